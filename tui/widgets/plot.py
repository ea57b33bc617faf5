"""A loss plot as lines of text: pure, in braille or in plain ASCII.

The horizontal axis is the step, the vertical one the loss. Training is a line; validation, the best
validation and checkpoints are points with glyphs of their own, so no colour is needed to tell them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby


class Ink(StrEnum):
    """What a cell of the plot shows; each has one colour."""

    AXIS = "axis"
    TRAIN = "train"
    VALID = "valid"
    BEST = "best"
    CHECKPOINT = "checkpoint"


Line = list[tuple[str, Ink]]
"""One line of the plot as runs of text and their ink."""


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The characters a plot is drawn with.

    Attributes:
        dots: dots across and down in one cell of the training line.
        train: what the legend shows for the training line.
    """

    dots: tuple[int, int]
    train: str
    valid: str
    best: str
    checkpoint: str
    vertical: str
    tick_y: str
    corner: str
    horizontal: str
    tick_x: str


BRAILLE = Glyphs((2, 4), "⠒", "●", "★", "◆", "│", "┤", "└", "─", "┬")
ASCII = Glyphs((1, 1), ".", "o", "*", "^", "|", "+", "+", "-", "+")

_BRAILLE_BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_SMALLEST = (24, 5)
_LARGEST = 1e30
_LEGEND_FROM = 64


@dataclass(frozen=True, slots=True)
class Curves:
    """What is plotted: pairs of step and value; values that are no numbers are left out.

    Attributes:
        last_step: right end of the axis, where it is known before it is reached.
    """

    train: Sequence[tuple[int, float]] = ()
    valid: Sequence[tuple[int, float]] = ()
    best: tuple[int, float] | None = None
    checkpoints: Sequence[int] = ()
    last_step: int | None = None

    def finite(self) -> Curves:
        """The same without NaN, infinities, and losses too large to mean anything."""
        return Curves(
            [point for point in self.train if abs(point[1]) < _LARGEST],
            [point for point in self.valid if abs(point[1]) < _LARGEST],
            self.best,
            self.checkpoints,
            self.last_step,
        )


def plot(curves: Curves, width: int, height: int, *, braille: bool = True) -> list[Line]:
    """Draw curves into exactly `height` lines of exactly `width` cells.

    Args:
        curves: what to draw.
        width: cells.
        height: lines, the axis and its labels (2 lines) among them.
        braille: draw the training line in braille; otherwise everything is plain ASCII.
    """
    glyphs = BRAILLE if braille else ASCII
    curves = curves.finite()
    if width < _SMALLEST[0] or height < _SMALLEST[1] or not (curves.train or curves.valid):
        return [[(" " * width, Ink.AXIS)] for _ in range(height)]
    return _Plot(curves, width, height, glyphs).lines()


class _Plot:
    """One drawing: scales, then a canvas of cells, then lines."""

    def __init__(self, curves: Curves, width: int, height: int, glyphs: Glyphs) -> None:
        self.curves = curves
        self.glyphs = glyphs
        self.rows = height - 2
        self.low, self.high = _value_range(curves)
        self.labels = [_short(value) for value in (self.high, (self.low + self.high) / 2, self.low)]
        self.margin = max(len(label) for label in self.labels) + 2
        self.columns = width - self.margin
        self.last = max(_last_step(curves), 1)
        self.width = width
        self.cells: list[list[tuple[str, Ink]]] = [
            [(" ", Ink.AXIS)] * self.columns for _ in range(self.rows)
        ]

    def lines(self) -> list[Line]:
        self._draw_training()
        for step, value in self.curves.valid:
            self._put(step, value, self.glyphs.valid, Ink.VALID)
        if self.curves.best:
            self._put(*self.curves.best, self.glyphs.best, Ink.BEST)
        below = self._legend_below()
        ticks = {0: self.labels[0], (self.rows - 1) // 2: self.labels[1]}
        ticks[self.rows - 1] = self.labels[2]
        drawn = []
        for row, cells in enumerate(self.cells):
            mark = self.glyphs.tick_y if row in ticks else self.glyphs.vertical
            label = ticks.get(row, "").rjust(self.margin - 2)
            drawn.append(_runs([(f"{label} {mark}", Ink.AXIS), *cells]))
        return [*drawn, self._axis(), self._axis_labels(below)]

    def _column(self, step: float, dots: int = 1) -> int:
        across = self.columns * dots - 1
        return max(0, min(across, round(step / self.last * across)))

    def _row(self, value: float, dots: int = 1) -> int:
        down = self.rows * dots - 1
        share = (self.high - value) / (self.high - self.low)
        return max(0, min(down, round(share * down)))

    def _put(self, step: int, value: float, glyph: str, ink: Ink) -> None:
        self.cells[self._row(value)][self._column(step)] = (glyph, ink)

    def _draw_training(self) -> None:
        """One mean a dot column, neighbours joined, so that a long run costs one pass."""
        across, down = self.glyphs.dots
        means: list[tuple[int, float]] = []
        for column, points in groupby(
            self.curves.train, key=lambda point: self._column(point[0], across)
        ):
            values = [value for _, value in points]
            means.append((column, sum(values) / len(values)))
        bits: dict[tuple[int, int], int] = {}
        before: tuple[int, int] | None = None
        for column, mean in means:
            row = self._row(mean, down)
            for x, y in _joined(before, (column, row)):
                cell = y // down, x // across
                bits[cell] = bits.get(cell, 0) | _BRAILLE_BITS[x % across][y % down]
            before = column, row
        for (row, column), pattern in bits.items():
            glyph = chr(0x2800 + pattern) if down > 1 else self.glyphs.train
            self.cells[row][column] = (glyph, Ink.TRAIN)

    def _ticks(self) -> list[int]:
        """Steps that are labelled: round ones, at least 10 cells apart."""
        every = _round_up(self.last * 10 / max(self.columns, 10))
        return list(range(0, self.last + 1, every))

    def _axis(self) -> Line:
        cells = [(self.glyphs.horizontal, Ink.AXIS)] * self.columns
        for step in self._ticks():
            cells[self._column(step)] = (self.glyphs.tick_x, Ink.AXIS)
        for step in self.curves.checkpoints:
            cells[self._column(step)] = (self.glyphs.checkpoint, Ink.CHECKPOINT)
        return _runs([(" " * (self.margin - 1) + self.glyphs.corner, Ink.AXIS), *cells])

    def _axis_labels(self, legend: Line) -> Line:
        room = self.width - sum(len(text) for text, _ in legend)
        labels = " " * room
        for step in self._ticks():
            begin = self.margin + self._column(step)
            text = str(step) if step else "0 step"
            if begin + len(text) < room:
                labels = labels[:begin] + text + labels[begin + len(text) :]
        return [(labels, Ink.AXIS), *legend]

    def _legend_below(self) -> Line:
        """Put the legend into the upper right corner; give it back where a curve is in its way."""
        legend = self._legend() if self.width >= _LEGEND_FROM else []
        cells = [(char, ink) for text, ink in legend for char in text]
        begin = self.columns - len(cells)
        if begin < 0 or any(char != " " for char, _ in self.cells[0][begin:]):
            return legend
        self.cells[0][begin:] = cells
        return []

    def _legend(self) -> Line:
        shown: Line = [(f" {self.glyphs.train} training", Ink.TRAIN)]
        if self.curves.valid:
            shown.append((f"  {self.glyphs.valid} validation", Ink.VALID))
        if self.curves.best:
            shown.append((f"  {self.glyphs.best} best", Ink.BEST))
        if self.curves.checkpoints:
            shown.append((f"  {self.glyphs.checkpoint} checkpoint", Ink.CHECKPOINT))
        return shown


def _value_range(curves: Curves) -> tuple[float, float]:
    """Lowest and highest value of the axis; from zero, unless that wastes half of the height."""
    values = [value for points in (curves.train, curves.valid) for _, value in points]
    low, high = min(values), max(values)
    if 0 <= low < high / 2:
        low = 0.0
    if high - low < 1e-9 * max(1.0, abs(high)):
        half = max(0.5, abs(high) / 2)
        return low - half, high + half
    return low, high


def _last_step(curves: Curves) -> int:
    """The right end of the axis; where it is not known, a round one, so that it seldom moves."""
    seen = max(step for points in (curves.train, curves.valid) for step, _ in points)
    return max(curves.last_step or _round_up(seen), seen)


def _round_up(value: float) -> int:
    """The next of 1, 2, 5, 10, 20, 50, ..."""
    if value <= 1:
        return 1
    power = 10 ** math.floor(math.log10(value))
    return next(int(power * step) for step in (1, 2, 5, 10) if power * step >= value)


def _joined(before: tuple[int, int] | None, here: tuple[int, int]) -> list[tuple[int, int]]:
    """The dots of a straight line from one dot (left out) to another."""
    if before is None:
        return [here]
    (x0, y0), (x1, y1) = before, here
    count = max(abs(x1 - x0), abs(y1 - y0), 1)
    return [
        (x0 + round((x1 - x0) * i / count), y0 + round((y1 - y0) * i / count))
        for i in range(1, count + 1)
    ]


def _short(value: float) -> str:
    """An axis label of few cells: `3.1`, `0.084`, `12`."""
    if value == 0:
        return "0"
    if abs(value) >= 10_000 or abs(value) < 0.001:
        return f"{value:.1e}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.2f}"


def _runs(cells: Sequence[tuple[str, Ink]]) -> Line:
    """Neighbouring cells of one ink as one text; blanks take the ink that stands before them."""
    runs: Line = []
    for text, ink in cells:
        if runs and (runs[-1][1] is ink or text == " "):
            runs[-1] = (runs[-1][0] + text, runs[-1][1])
        else:
            runs.append((text, ink))
    return runs
