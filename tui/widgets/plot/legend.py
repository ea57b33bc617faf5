"""The legend of a chart: a glyph and a label for everything that is drawn."""

from __future__ import annotations

from tui.domain.text import preview
from tui.widgets.changed_cells import split_cells
from tui.widgets.plot.canvas import Cell, Line
from tui.widgets.plot.glyphs import Glyphs, Ink, ink_of, letter_of
from tui.widgets.plot.smoothing import Smoothing
from tui.widgets.plot.trace import TracedCurves
from tui.widgets.plot.view import View


def legend(curves: TracedCurves, view: View, glyphs: Glyphs, room: int) -> list[Cell]:
    """As much of the legend as there is room for, the most important entries first."""
    cells: list[Cell] = []
    for entry in _entries(curves, view, glyphs):
        more = split_cells([("  " if cells else " ", entry[1]), entry])
        if len(cells) + len(more) > room:
            break
        cells += more
    return cells


def _entries(curves: TracedCurves, view: View, glyphs: Glyphs) -> Line:
    run, *others = curves.runs
    label = curves.curves.line_label
    entries: Line = []
    if len(run.line):
        smooth = view.smoothing is not Smoothing.OFF
        if smooth:
            entries.append((f"{glyphs.raw} {label}", Ink.RAW))
        name = preview(run.run.name, 24) if others else ""
        text = " ".join(part for part in (name, "smoothed" if smooth else label) if part)
        entries.append((f"{glyphs.line} {text}", Ink.LINE))
    for number, other in enumerate(others, 1):
        name = preview(other.run.name, 24)
        missing = "" if len(other.main) else " (no data)"
        entries.append((f"{letter_of(number)} {name}{missing}", ink_of(number)))
    if len(run.marks):
        entries.append((f"{glyphs.mark} {curves.curves.marks_label}", Ink.VALID))
    if any(len(other.marks) for other in others):
        entries.append((f"{glyphs.other_mark} {curves.curves.marks_label} (others)", Ink.OTHER_1))
    if run.run.best:
        entries.append((f"{glyphs.best} best", Ink.BEST))
    if run.run.checkpoints:
        entries.append((f"{glyphs.checkpoint} checkpoint", Ink.CHECKPOINT))
    return entries
