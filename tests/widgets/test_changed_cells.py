"""The cells of a line that changed."""

from __future__ import annotations

import pytest
from rich.segment import Segment
from textual.strip import Strip

from tui.widgets.changed_cells import changed_span, changed_spans, split_cells


def span(old: str, new: str) -> tuple[int, int]:
    return changed_span(Strip([Segment(old)]), Strip([Segment(new)]))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("step 100", "step 101", (7, 8)),
        ("step 100", "step 100", (0, 0)),
        ("a日c", "a本c", (1, 3)),
        ("a日c", "axyc", (1, 3)),
        ("e\u0301ab", "e\u0301ac", (2, 3)),
        ("short", "longer", (0, 6)),
    ],
)
def test_a_span_holds_the_first_and_the_last_changed_cell(
    old: str, new: str, expected: tuple[int, int]
) -> None:
    assert span(old, new) == expected


def test_spans_that_are_close_are_joined() -> None:
    old, new = (split_cells([(text, "ink")]) for text in ("a--------b-c", "A--------B-C"))
    assert list(changed_spans(old, new)) == [(0, 1), (9, 10), (11, 12)]
    assert list(changed_spans(old, new, gap=1)) == [(0, 1), (9, 12)]
    assert list(changed_spans(old, new, gap=8)) == [(0, 12)]


def test_a_change_of_style_is_a_change() -> None:
    assert list(changed_spans([("a", 1), ("b", 1)], [("a", 1), ("b", 2)])) == [(1, 2)]
