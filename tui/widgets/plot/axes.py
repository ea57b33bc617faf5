"""The axes of a chart: labels of values at the left, of steps or times below."""

from __future__ import annotations

from collections.abc import Sequence

from tui.widgets.plot.canvas import Canvas, Cell, Line, to_runs
from tui.widgets.plot.glyphs import Glyphs, Ink
from tui.widgets.plot.scales import LABEL, XScale, YScale
from tui.widgets.plot.view import XAxis

MARGIN = LABEL + 2
"""Cells left of the canvas: a fixed number, so that a longer label never moves the chart."""


def with_y_axis(canvas: Canvas, y_scale: YScale) -> list[Line]:
    """The canvas with the vertical axis: highest, middle and lowest value."""
    top, middle, bottom = y_scale.labels()
    ticks = {0: top, (canvas.rows - 1) // 2: middle, canvas.rows - 1: bottom}
    lines = []
    for row, cells in enumerate(canvas.cells):
        mark = canvas.glyphs.tick_y if row in ticks else canvas.glyphs.vertical
        lines.append(to_runs([(f"{ticks.get(row, ''):>{LABEL}} {mark}", Ink.AXIS), *cells]))
    return lines


def x_axis_line(columns: int, x_scale: XScale, checkpoints: Sequence[int], glyphs: Glyphs) -> Line:
    """The horizontal axis with its ticks; checkpoints are drawn over them."""
    cells: list[Cell] = [(glyphs.horizontal, Ink.AXIS)] * columns
    for position, _ in x_scale.ticks(columns):
        cells[x_scale.column(position, columns)] = (glyphs.tick_x, Ink.AXIS)
    for column in checkpoints:
        cells[column] = (glyphs.checkpoint, Ink.CHECKPOINT)
    return to_runs([(" " * (MARGIN - 1) + glyphs.corner, Ink.AXIS), *cells])


def x_axis_labels(width: int, x_scale: XScale, legend: Sequence[Cell]) -> Line:
    """The labels of the ticks, and the legend at the right."""
    room = width - len(legend)
    columns = width - MARGIN
    labels = " " * room
    for position, label in x_scale.ticks(columns):
        begin = MARGIN + x_scale.column(position, columns)
        text = f"{label} step" if position == 0 and x_scale.x_axis is XAxis.STEP else label
        if begin + len(text) < room:
            labels = labels[:begin] + text + labels[begin + len(text) :]
    return [(labels, Ink.AXIS), *to_runs(legend)]
