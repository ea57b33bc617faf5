"""The list of changes that are not written yet."""

from __future__ import annotations

import pytest
from support.dialog_app import SIZES, outside, showing
from textual.widgets import Static

from tui.dialogs.data.pending_changes import PendingChanges, summary
from tui.domain.rows.edits import EXCLUDED, UNTOUCHED, Edits, RowEdit
from tui.domain.text import has_unsafe


def some_edits() -> Edits:
    edits = Edits()
    edits.do("strip white space", {row: RowEdit(b"{}") for row in range(40, 52)})
    edits.do("exclude\x1b[31m [/red]", {3: EXCLUDED, 9: EXCLUDED})
    edits.do("edit", {7: RowEdit(b"[]")})
    edits.undo()
    return edits


def dialog(edits: Edits) -> PendingChanges:
    return PendingChanges(edits.steps, lambda row: row + 1, edits.undone)


@pytest.mark.parametrize("size", SIZES)
async def test_every_step_shows_its_lines(size: tuple[int, int]) -> None:
    async with showing(dialog(some_edits()), size) as (app, pilot):
        assert not outside(app)
        text = app.screen_text()
        assert "12 rows edited, 2 excluded" in text
        assert "Nothing is written until" in text
        assert not any(map(has_unsafe, text.splitlines()))
        assert "lines 4, 10" in text  # what `u` would undo stands under the cursor
        await pilot.press("down")
        assert "lines 41-52" in app.screen_text()
        await pilot.press("up", "up")
        assert "line 8" in app.screen_text()
        assert "– undone" in app.screen_text()
        await pilot.press("escape")
        assert app.answers == [None]


async def test_the_lines_of_a_step_over_a_million_rows_are_shortened() -> None:
    edits = Edits()
    edits.do("exclude", dict.fromkeys(range(0, 300000, 3), EXCLUDED))
    async with showing(dialog(edits)) as (app, _):
        text = app.screen_text()
        assert "100,000" in text
        assert "lines 1, 4, 7, 10" in text
        assert "… and 98,000 rows more" in " ".join(text.split())
        assert not app.dialog.query_one("#pending-lines", Static).max_scroll_y


async def test_no_pending_changes_is_one_sentence() -> None:
    async with showing(PendingChanges([], lambda row: row, [])) as (app, pilot):
        assert "every row is as in the file" in app.screen_text()
        await pilot.press("escape")
        assert not app.open


async def test_undone_steps_are_listed_although_nothing_is_pending() -> None:
    edits = Edits()
    edits.do("edit", {7: RowEdit(b"[]")})
    edits.undo()
    async with showing(dialog(edits)) as (app, _):
        assert "every row is as in the file" in app.screen_text()
        assert "– undone" in app.screen_text()


def test_a_row_restored_to_its_original_is_not_counted() -> None:
    edits = Edits()
    edits.do("exclude", {1: EXCLUDED, 2: EXCLUDED})
    edits.do("keep", {1: UNTOUCHED})
    edits.do("edit", {2: RowEdit(b"{}")})
    assert summary(edits.steps).startswith("1 row edited, 0 excluded.")
