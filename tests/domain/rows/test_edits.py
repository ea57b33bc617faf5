"""Changes of rows can be undone and redone, step by step."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tui.domain.rows.edits import EXCLUDED, UNTOUCHED, Edits, RowEdit

CHANGES = st.dictionaries(
    st.integers(0, 5), st.builds(RowEdit, st.sampled_from([None, b"{}", b"[]"]), st.booleans())
)


def state(edits: Edits) -> dict[int, RowEdit]:
    return dict(edits.pending)


def test_a_change_is_undone_and_redone_as_a_whole() -> None:
    edits = Edits()
    step = edits.do("exclude 2 rows", {3: EXCLUDED, 4: EXCLUDED})
    assert step
    assert (edits.of(3), edits.of(5)) == (EXCLUDED, UNTOUCHED)
    assert edits.counts == (0, 2)
    assert edits.undo() == step
    assert not edits
    assert edits.undone == (step,)
    assert edits.redo() == step
    assert state(edits) == {3: EXCLUDED, 4: EXCLUDED}
    assert edits.steps == (step,)


def test_a_change_without_effect_adds_no_step_and_keeps_the_redo_steps() -> None:
    edits = Edits()
    edits.do("edit", {0: RowEdit(b"{}")})
    edits.undo()
    assert edits.do("again", {1: UNTOUCHED}) is None
    assert edits.redo() is not None
    assert edits.redo() is None


def test_a_step_contains_only_the_rows_that_it_changed() -> None:
    edits = Edits()
    edits.do("edit", {0: RowEdit(b"{}")})
    step = edits.do("exclude", {0: EXCLUDED, 1: EXCLUDED, 2: UNTOUCHED})
    assert step
    assert step.before == {0: RowEdit(b"{}"), 1: UNTOUCHED}
    assert step.after == {0: EXCLUDED, 1: EXCLUDED}


def test_a_new_change_discards_the_undone_steps() -> None:
    edits = Edits()
    edits.do("edit", {0: RowEdit(b"{}")})
    edits.undo()
    edits.do("exclude", {1: EXCLUDED})
    assert edits.undone == ()
    assert edits.redo() is None


@given(st.lists(CHANGES, max_size=8), st.lists(st.booleans(), max_size=20))
def test_undo_and_redo_go_through_the_same_states(
    changes: list[dict[int, RowEdit]], walk: list[bool]
) -> None:
    edits = Edits()
    states = [state(edits)]
    for after in changes:
        if edits.do("change", after):
            states.append(state(edits))
    at = len(states) - 1
    for back in walk:
        moved = edits.undo() if back else edits.redo()
        at += (-1 if back else 1) if moved else 0
        assert state(edits) == states[at]
        assert UNTOUCHED not in edits.pending.values()
        excluded = sum(edit.excluded for edit in edits.pending.values())
        assert edits.counts == (len(edits.pending) - excluded, excluded)
    assert len(edits.steps) + len(edits.undone) == len(states) - 1
