"""The characters of a chart and what each cell of it shows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

OTHERS = "BCDEFGH"
"""Letters of the runs that are laid over the first; an eighth one begins anew."""


class Ink(StrEnum):
    """What a cell of the plot shows; each has one colour."""

    AXIS = "axis"
    WORDS = "words"
    RAW = "raw"
    LINE = "line"
    OTHER_1 = "other-1"
    OTHER_2 = "other-2"
    OTHER_3 = "other-3"
    OTHER_4 = "other-4"
    VALID = "valid"
    BEST = "best"
    CHECKPOINT = "checkpoint"
    CURSOR = "cursor"
    CROSSED = "crossed"


_OTHERS = (Ink.OTHER_1, Ink.OTHER_2, Ink.OTHER_3, Ink.OTHER_4)


def ink_of(run: int) -> Ink:
    """The ink of a run's line; 0 is the chart's own run."""
    return Ink.LINE if run == 0 else _OTHERS[(run - 1) % len(_OTHERS)]


def letter_of(run: int) -> str:
    """The letter of a run that is laid over the first, from 1 on."""
    return OTHERS[(run - 1) % len(OTHERS)]


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The characters a plot is drawn with.

    Attributes:
        dots: dots across and down in one cell of a line.
        raw: what the legend shows for values that are not smoothed, where a smoothed line is too.
        line: what the legend shows for a line.
        other_mark: a point of a run that is laid over the first.
    """

    dots: tuple[int, int]
    raw: str
    line: str
    mark: str
    other_mark: str
    best: str
    checkpoint: str
    vertical: str
    tick_y: str
    corner: str
    horizontal: str
    tick_x: str
    cursor: str


BRAILLE = Glyphs((2, 4), "⠂", "⠒", "●", "○", "★", "◆", "│", "┤", "└", "─", "┬", "┆")
ASCII = Glyphs((1, 1), ".", "#", "o", "@", "*", "^", "|", "+", "+", "-", "+", ":")
