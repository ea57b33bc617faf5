"""Rows that may be near duplicates have the same mark, whatever their texts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tui.domain.rows.formats import Example
from tui.domain.rows.similarity import shingles, text_to_compare
from tui.services.checking.row_marks import marks_of

_PIECES = (
    *("Anna", "anna", "ANNA", "Order", "4711", "47", "11", "a", "the parcel", "is late", "iPhone"),
    *(". ", "! ", "\n", ", ", ": ", " ", "-", "'s", "²", "٣", "１", "İstanbul", "ß", "東京", "🙂"),
    *('{"order": 4711}', '{"order": 47.10}', "[1, 2]", "{", "[NAME] 4711"),
)
_TEXT = st.lists(st.sampled_from(_PIECES) | st.text(max_size=3), max_size=8).map(" ".join)


def exchange(*texts: str) -> Example:
    """A conversation of messages with these texts."""
    roles = ("user", "assistant")
    return Example([{"role": roles[turn % 2], "content": text} for turn, text in enumerate(texts)])


@given(st.lists(st.lists(_TEXT, min_size=2, max_size=2), min_size=2, max_size=6))
def test_rows_that_share_a_shingle_share_their_mark(rows: list[list[str]]) -> None:
    examples = [exchange(*texts) for texts in rows]
    marks = marks_of(examples)
    compared = [shingles(text_to_compare(example)) for example in examples]
    for first, mark in zip(compared, marks, strict=True):
        for second, other in zip(compared, marks, strict=True):
            assert mark == other or not first & second


def test_rows_with_other_numbers_or_names_have_other_marks() -> None:
    one, other, name, same = marks_of(
        [
            exchange("Order 4711 is late", "Sorry."),
            exchange("Order 4712 is late", "Sorry."),
            exchange("We wrote to Anna", "Sorry."),
            exchange("the order 4711 never came", "We are sorry."),
        ]
    )
    assert one == same
    assert len({one, other, name}) == 3


def test_a_row_without_words_is_not_compared() -> None:
    assert marks_of([None, exchange("")]).tolist() == [0, 0]
