"""Marks of rows: rows with different marks are no near duplicates, so they are never compared."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from zlib import crc32

from tui.domain.rows.formats import Example
from tui.domain.rows.similarity import digits_to_compare, text_to_compare

_FEWEST_DIGITS = 4
"""Digits that tell rows apart well enough; a row with fewer has a mark of all particular words."""


def marks_of(examples: Sequence[Example | None]) -> array[int]:
    """The mark of each example; 0 where there is nothing to compare."""
    marks = array("Q", (_digit_mark(example) if example else 0 for example in examples))
    others = [place for place, mark in enumerate(marks) if not mark and examples[place]]
    if others:
        # Loaded on the first check: the first paint does not need it.
        from tui.services.checking.word_tables import word_marks

        texts = [text_to_compare(example) for place in others if (example := examples[place])]
        for place, mark in zip(others, word_marks(texts), strict=True):
            marks[place] = mark
    return marks


def _digit_mark(example: Example) -> int:
    digits = digits_to_compare(example)
    return 1 << 63 | len(digits) << 32 | crc32(digits) if len(digits) >= _FEWEST_DIGITS else 0
