"""Draws curves into lines of text.

The horizontal axis is the step or the time, the vertical one the value. A smoothed curve is a line
and what it was made from dots; validation, its best and checkpoints are points with glyphs of their
own. So no colour is needed to tell them.
"""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size

from tui.widgets.plot.axes import MARGIN, axis_labels, axis_line, labelled
from tui.widgets.plot.canvas import Canvas, Cell, Line, joined
from tui.widgets.plot.columns import ABOVE_ZERO, line_of, spans_of, values_in
from tui.widgets.plot.curves import Curves
from tui.widgets.plot.glyphs import ASCII, BRAILLE, Ink, ink_of, letter_of
from tui.widgets.plot.legend import legend
from tui.widgets.plot.scales import ValueScale, place_scale, value_scale
from tui.widgets.plot.trace import LARGEST, TracedCurves, TracedRun
from tui.widgets.plot.view import Across, Smoothing, View

SMALLEST = (24, 5)
"""Cells and lines below which nothing is drawn."""
_LEGEND_FROM = 56
_LETTER_EVERY = 24
_LETTER_APART = 5
"""Cells between two letters on the line of a run laid over the first; and from run to run."""


def plot(curves: Curves, width: int, height: int, view: View | None = None) -> list[Line]:
    """Draw curves into exactly `height` lines of exactly `width` cells."""
    return draw(TracedCurves(curves), width, height, view or View())


def draw(curves: TracedCurves, width: int, height: int, view: View) -> list[Line]:
    """Draw curves that are kept in columns into exactly `height` lines of exactly `width` cells."""
    if width < SMALLEST[0] or height < SMALLEST[1]:
        return [[(" " * width, Ink.AXIS)] for _ in range(height)]
    if not curves:
        return _only(curves.curves.absent, width, height)
    drawing = _Drawing(curves, width, height, view)
    if drawing.values is None:
        none = "Nothing here is above zero; a linear scale shows it."
        return _only(none if view.log else "Nothing was told in this part.", width, height)
    return drawing.lines(drawing.values)


def _only(words: str, width: int, height: int) -> list[Line]:
    lines: list[Line] = [[(" " * width, Ink.AXIS)] for _ in range(height)]
    lines[height // 2] = [(set_cell_size(f"  {words}", width), Ink.WORDS)]
    return lines


class _Drawing:
    """One drawing: what stands in each column, then scales, then a canvas, then lines."""

    def __init__(self, curves: TracedCurves, width: int, height: int, view: View) -> None:
        self.curves = curves
        self.view = view
        self.glyphs = BRAILLE if view.braille else ASCII
        self.width = width
        self.canvas = Canvas(width - MARGIN, height - 2, self.glyphs)
        self.places = place_scale(curves, view)
        smooth = view.smoothing is not Smoothing.OFF
        self.raw = self._extremes(curves.runs[0]) if smooth else []
        self.smooth = [self._line(traced) for traced in curves.runs]
        self.marks = [self._marks(traced) for traced in curves.runs]
        told = [value for _, value in self.raw]
        told += [value for line in (*self.smooth, *self.marks) for value in line.values()]
        self.values = value_scale(told, log=view.log)

    def _extremes(self, traced: TracedRun) -> list[tuple[int, float]]:
        """The lowest and the highest value of each column of dots."""
        spans = spans_of(traced, traced.line, self.places, self.canvas.dots[0])
        return [
            (column, value)
            for column, piece in values_in(traced.line.values, spans, log=self.view.log)
            for value in {min(piece), max(piece)}
        ]

    def _line(self, traced: TracedRun) -> dict[int, float]:
        values = traced.line.smoothed(self.view.smoothing)
        return line_of(traced, values, self.places, self.canvas.dots[0], log=self.view.log)

    def _marks(self, traced: TracedRun) -> dict[int, float]:
        """The last mark of each column of cells."""
        spans = spans_of(traced, traced.marks, self.places, self.canvas.columns)
        pieces = values_in(traced.marks.values, spans, log=self.view.log)
        return {column: piece[-1] for column, piece in pieces}

    def lines(self, values: ValueScale) -> list[Line]:
        """The whole chart, for a scale of its values."""
        self._draw_raw(values)
        for number in reversed(range(len(self.curves.runs))):
            self._draw_line(number, values)
        for number in reversed(range(len(self.curves.runs))):
            self._draw_marks(number, values)
        self._draw_best(values)
        self._draw_cursor()
        below = self._draw_legend()
        axis = axis_line(self.canvas.columns, self.places, self._checkpoints(), self.glyphs)
        return [
            *labelled(self.canvas, values),
            axis,
            axis_labels(self.width, self.places, below),
        ]

    def _draw_legend(self) -> list[Cell]:
        """Write the legend into a corner; what of it shall stand below where both are taken."""
        if self.width < _LEGEND_FROM:
            return []
        told = legend(self.curves, self.view, self.glyphs, self.canvas.columns)
        if self.canvas.write(told, 0) or self.canvas.write(told, self.canvas.rows - 1):
            return []
        return legend(self.curves, self.view, self.glyphs, self.width // 2)

    def _draw_raw(self, values: ValueScale) -> None:
        """Dots that are not joined."""
        down = self.canvas.dots[1]
        dots = [(column, values.row(value, down)) for column, value in self.raw]
        self.canvas.dot(dots, Ink.RAW, self.glyphs.raw)

    def _draw_line(self, number: int, values: ValueScale) -> None:
        """A run's line; on one that is laid over the first, its letter now and then."""
        across, down = self.glyphs.dots
        height = self.canvas.dots[1]
        dots = [(column, values.row(mean, height)) for column, mean in self.smooth[number].items()]
        letter = letter_of(number) if number else self.glyphs.line
        self.canvas.dot(joined(dots), ink_of(number), letter.lower())
        if not number:
            return
        at = {x // across: y // down for x, y in dots}
        last = max(at, default=0)
        for column, row in at.items():
            due = (column - number * _LETTER_APART) % _LETTER_EVERY == 0
            if column == last or (due and column < last - _LETTER_APART):
                self.canvas.put(column, row, letter, ink_of(number))

    def _draw_marks(self, number: int, values: ValueScale) -> None:
        glyph = self.glyphs.other_mark if number else self.glyphs.mark
        ink = ink_of(number) if number else Ink.VALID
        for column, value in self.marks[number].items():
            self.canvas.put(column, values.row(value, self.canvas.rows), glyph, ink)

    def _draw_best(self, values: ValueScale) -> None:
        traced = self.curves.runs[0]
        best = traced.run.best
        if (
            best is None
            or not abs(best.value) < LARGEST
            or (self.view.log and best.value < ABOVE_ZERO)
        ):
            return
        by_step = self.view.across is Across.STEP
        place = best.step if by_step else best.at - traced.origin(Across.TIME)
        if self.places.begin <= place <= self.places.end:
            column = self.places.column(place, self.canvas.columns)
            row = values.row(best.value, self.canvas.rows)
            self.canvas.put(column, row, self.glyphs.best, Ink.BEST)

    def _place_of_step(self, step: int) -> float:
        traced = self.curves.runs[0]
        if self.view.across is Across.STEP or not len(traced.read):
            return step
        return traced.place(Across.TIME, traced.index_at(step))

    def _checkpoints(self) -> list[int]:
        """The columns in which a checkpoint of the first run stands."""
        places = [self._place_of_step(step) for step in self.curves.runs[0].run.checkpoints]
        inside = [place for place in places if self.places.begin <= place <= self.places.end]
        return [self.places.column(place, self.canvas.columns) for place in inside]

    def _draw_cursor(self) -> None:
        """A line from top to bottom; what it crosses stays, in an ink of its own."""
        if self.view.cursor is None:
            return
        place = self._place_of_step(self.view.cursor)
        if not self.places.begin <= place <= self.places.end:
            return
        column = self.places.column(place, self.canvas.columns)
        for row in self.canvas.cells:
            text = row[column][0]
            if cell_len(text) == 1:
                free = text == " "
                row[column] = (self.glyphs.cursor, Ink.CURSOR) if free else (text, Ink.CROSSED)
