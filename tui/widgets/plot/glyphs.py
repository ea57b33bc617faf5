"""The characters of a chart, and what each of its cells shows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

OVERLAY_LETTERS = "BCDEFGH"
"""Letters of the overlaid runs; after the seventh they repeat."""


class Ink(StrEnum):
    """What a cell of the plot shows; each has a colour."""

    AXIS = "axis"
    MESSAGE = "message"
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


_OVERLAY_INKS = (Ink.OTHER_1, Ink.OTHER_2, Ink.OTHER_3, Ink.OTHER_4)


def ink_of(run: int) -> Ink:
    """The ink of a run's line; 0 is the main run."""
    return Ink.LINE if run == 0 else _OVERLAY_INKS[(run - 1) % len(_OVERLAY_INKS)]


def letter_of(run: int) -> str:
    """The letter of an overlaid run, from 1."""
    return OVERLAY_LETTERS[(run - 1) % len(OVERLAY_LETTERS)]


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The characters a plot is drawn with.

    Attributes:
        dots: dots across and down in one cell of a line.
        raw: raw values in the legend, beside a smoothed line.
        line: a line in the legend.
        other_mark: a point of an overlaid run.
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
