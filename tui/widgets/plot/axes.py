"""The axes of a chart: labels of values at the left, places below."""

from __future__ import annotations

from collections.abc import Sequence

from tui.widgets.plot.canvas import Canvas, Cell, Line, runs_of
from tui.widgets.plot.glyphs import Glyphs, Ink
from tui.widgets.plot.scales import LABEL, PlaceScale, ValueScale
from tui.widgets.plot.view import Across

MARGIN = LABEL + 2
"""Cells left of the canvas: always as many, so that no other label moves the whole chart."""


def labelled(canvas: Canvas, values: ValueScale) -> list[Line]:
    """The canvas with the vertical axis: highest, middle and lowest value."""
    top, middle, bottom = values.labels()
    ticks = {0: top, (canvas.rows - 1) // 2: middle, canvas.rows - 1: bottom}
    drawn = []
    for row, cells in enumerate(canvas.cells):
        mark = canvas.glyphs.tick_y if row in ticks else canvas.glyphs.vertical
        drawn.append(runs_of([(f"{ticks.get(row, ''):>{LABEL}} {mark}", Ink.AXIS), *cells]))
    return drawn


def axis_line(columns: int, places: PlaceScale, checkpoints: Sequence[int], glyphs: Glyphs) -> Line:
    """The horizontal axis with its ticks and, over them, the columns of checkpoints."""
    cells: list[Cell] = [(glyphs.horizontal, Ink.AXIS)] * columns
    for place, _ in places.ticks(columns):
        cells[places.column(place, columns)] = (glyphs.tick_x, Ink.AXIS)
    for column in checkpoints:
        cells[column] = (glyphs.checkpoint, Ink.CHECKPOINT)
    return runs_of([(" " * (MARGIN - 1) + glyphs.corner, Ink.AXIS), *cells])


def axis_labels(width: int, places: PlaceScale, legend: Sequence[Cell]) -> Line:
    """The places in words, and at their right what is left of the legend."""
    room = width - len(legend)
    columns = width - MARGIN
    labels = " " * room
    for place, words in places.ticks(columns):
        begin = MARGIN + places.column(place, columns)
        text = f"{words} step" if place == 0 and places.across is Across.STEP else words
        if begin + len(text) < room:
            labels = labels[:begin] + text + labels[begin + len(text) :]
    return [(labels, Ink.AXIS), *runs_of(legend)]
