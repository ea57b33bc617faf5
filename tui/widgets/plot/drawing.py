"""Draws curves into lines of text.

The horizontal axis is the step or the time, the vertical one the value. A smoothed curve is a line,
its raw values are dots; validation, its best value and checkpoints have glyphs of their own. So no
colour is needed to tell them apart.
"""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size

from tui.widgets.plot.axes import MARGIN, with_y_axis, x_axis_labels, x_axis_line
from tui.widgets.plot.canvas import Canvas, Cell, Line, interpolate
from tui.widgets.plot.columns import MIN_LOG, column_means, column_spans, column_values
from tui.widgets.plot.glyphs import ASCII, BRAILLE, Ink, ink_of, letter_of
from tui.widgets.plot.legend import legend
from tui.widgets.plot.scales import YScale, x_scale, y_scale
from tui.widgets.plot.smoothing import Smoothing
from tui.widgets.plot.trace import LARGEST, TracedCurves, TracedRun
from tui.widgets.plot.view import View, XAxis

MIN_SIZE = (24, 5)
"""Cells and lines below which nothing is drawn."""
_LEGEND_MIN_WIDTH = 56
_LETTER_SPACING = 24
"""Cells between two letters on the line of an overlaid run."""
_LETTER_OFFSET = 5
"""Cells between the letters of one overlaid run and those of the next."""


def draw(curves: TracedCurves, width: int, height: int, view: View) -> list[Line]:
    """Draw curves into exactly `height` lines of exactly `width` cells."""
    if width < MIN_SIZE[0] or height < MIN_SIZE[1]:
        return [[(" " * width, Ink.AXIS)] for _ in range(height)]
    if not curves:
        return _message_lines(curves.curves.empty_message, width, height)
    drawing = _Drawing(curves, width, height, view)
    if drawing.y_scale is None:
        message = (
            "No value above zero; use a linear scale." if view.log else "No data in this range."
        )
        return _message_lines(message, width, height)
    return drawing.lines(drawing.y_scale)


def _message_lines(message: str, width: int, height: int) -> list[Line]:
    lines: list[Line] = [[(" " * width, Ink.AXIS)] for _ in range(height)]
    lines[height // 2] = [(set_cell_size(f"  {message}", width), Ink.MESSAGE)]
    return lines


class _Drawing:
    """One drawing: the values of each column, scales, a canvas, then lines."""

    def __init__(self, curves: TracedCurves, width: int, height: int, view: View) -> None:
        self.curves = curves
        self.view = view
        self.glyphs = BRAILLE if view.braille else ASCII
        self.width = width
        self.canvas = Canvas(width - MARGIN, height - 2, self.glyphs)
        self.x_scale = x_scale(curves, view)
        smooth = view.smoothing is not Smoothing.OFF
        self.raw = self._extremes(curves.runs[0]) if smooth else []
        self.smooth = [self._line(traced) for traced in curves.runs]
        self.marks = [self._marks(traced) for traced in curves.runs]
        drawn = [value for _, value in self.raw]
        drawn += [value for line in (*self.smooth, *self.marks) for value in line.values()]
        self.y_scale = y_scale(drawn, log=view.log)

    def _extremes(self, traced: TracedRun) -> list[tuple[int, float]]:
        """The lowest and the highest value of each column of dots."""
        spans = column_spans(traced, traced.line, self.x_scale, self.canvas.dots[0])
        return [
            (column, value)
            for column, part in column_values(traced.line.values, spans, log=self.view.log)
            for value in {min(part), max(part)}
        ]

    def _line(self, traced: TracedRun) -> dict[int, float]:
        values = traced.line.smoothed(self.view.smoothing)
        return column_means(traced, values, self.x_scale, self.canvas.dots[0], log=self.view.log)

    def _marks(self, traced: TracedRun) -> dict[int, float]:
        """The last mark of each column of cells."""
        spans = column_spans(traced, traced.marks, self.x_scale, self.canvas.columns)
        parts = column_values(traced.marks.values, spans, log=self.view.log)
        return {column: part[-1] for column, part in parts}

    def lines(self, y_scale: YScale) -> list[Line]:
        """The whole chart, for a scale of its values."""
        self._draw_raw(y_scale)
        for number in reversed(range(len(self.curves.runs))):
            self._draw_line(number, y_scale)
        for number in reversed(range(len(self.curves.runs))):
            self._draw_marks(number, y_scale)
        self._draw_best(y_scale)
        self._draw_cursor()
        below = self._draw_legend()
        axis = x_axis_line(self.canvas.columns, self.x_scale, self._checkpoints(), self.glyphs)
        return [
            *with_y_axis(self.canvas, y_scale),
            axis,
            x_axis_labels(self.width, self.x_scale, below),
        ]

    def _draw_legend(self) -> list[Cell]:
        """Write the legend into a free corner; otherwise return it for the line below the axis."""
        if self.width < _LEGEND_MIN_WIDTH:
            return []
        cells = legend(self.curves, self.view, self.glyphs, self.canvas.columns)
        if self.canvas.write(cells, 0) or self.canvas.write(cells, self.canvas.rows - 1):
            return []
        return legend(self.curves, self.view, self.glyphs, self.width // 2)

    def _draw_raw(self, y_scale: YScale) -> None:
        """Dots that are not joined."""
        down = self.canvas.dots[1]
        dots = [(column, y_scale.row(value, down)) for column, value in self.raw]
        self.canvas.set_dots(dots, Ink.RAW, self.glyphs.raw)

    def _draw_line(self, number: int, y_scale: YScale) -> None:
        """A run's line; on that of an overlaid run its letter at intervals."""
        across, down = self.glyphs.dots
        height = self.canvas.dots[1]
        dots = [(column, y_scale.row(mean, height)) for column, mean in self.smooth[number].items()]
        letter = letter_of(number) if number else self.glyphs.line
        self.canvas.set_dots(interpolate(dots), ink_of(number), letter.lower())
        if not number:
            return
        rows = {x // across: y // down for x, y in dots}
        last = max(rows, default=0)
        for column, row in rows.items():
            due = (column - number * _LETTER_OFFSET) % _LETTER_SPACING == 0
            if column == last or (due and column < last - _LETTER_OFFSET):
                self.canvas.set_glyph(column, row, letter, ink_of(number))

    def _draw_marks(self, number: int, y_scale: YScale) -> None:
        glyph = self.glyphs.other_mark if number else self.glyphs.mark
        ink = ink_of(number) if number else Ink.VALID
        for column, value in self.marks[number].items():
            self.canvas.set_glyph(column, y_scale.row(value, self.canvas.rows), glyph, ink)

    def _draw_best(self, y_scale: YScale) -> None:
        traced = self.curves.runs[0]
        best = traced.run.best
        if (
            best is None
            or not abs(best.value) < LARGEST
            or (self.view.log and best.value < MIN_LOG)
        ):
            return
        by_step = self.view.x_axis is XAxis.STEP
        position = best.step if by_step else best.at - traced.origin(XAxis.TIME)
        if self.x_scale.begin <= position <= self.x_scale.end:
            column = self.x_scale.column(position, self.canvas.columns)
            row = y_scale.row(best.value, self.canvas.rows)
            self.canvas.set_glyph(column, row, self.glyphs.best, Ink.BEST)

    def _position_of_step(self, step: int) -> float:
        traced = self.curves.runs[0]
        if self.view.x_axis is XAxis.STEP or not len(traced.main):
            return step
        return traced.position(XAxis.TIME, traced.index_at(step))

    def _checkpoints(self) -> list[int]:
        """The columns of the checkpoints of the main run."""
        positions = [self._position_of_step(step) for step in self.curves.runs[0].run.checkpoints]
        inside = [
            position for position in positions if self.x_scale.begin <= position <= self.x_scale.end
        ]
        return [self.x_scale.column(position, self.canvas.columns) for position in inside]

    def _draw_cursor(self) -> None:
        """A vertical line; what it crosses stays, in an ink of its own."""
        if self.view.cursor is None:
            return
        position = self._position_of_step(self.view.cursor)
        if not self.x_scale.begin <= position <= self.x_scale.end:
            return
        column = self.x_scale.column(position, self.canvas.columns)
        for row in self.canvas.cells:
            text = row[column][0]
            if cell_len(text) == 1:
                is_blank = text == " "
                row[column] = (self.glyphs.cursor, Ink.CURSOR) if is_blank else (text, Ink.CROSSED)
