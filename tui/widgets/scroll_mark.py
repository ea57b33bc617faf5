"""The scroll position of a long text: a mark in the last column, drawn with the lines.

A scrollbar of Textual is a widget of its own and is sent whole when its thumb moves: 60 bytes a
line over SSH. A mark that is a cell of its line costs a byte, and nothing while it stays.
"""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

MARK = "┃"


def marked_line(height: int, first: int, total: int) -> int | None:
    """The visible line that carries the mark; None if all of the text is visible.

    Args:
        height: number of visible lines.
        first: index of the first visible line.
        total: number of lines.
    """
    if height <= 0 or total <= height:
        return None
    last = total - height
    return round((height - 1) * min(first, last) / last)


def line_at(y: int, height: int, total: int) -> int:
    """The line of the text that a click in the mark's column at `y` goes to."""
    return round(y / max(1, height - 1) * max(0, total - 1))


def with_mark(strip: Strip, width: int, style: Style, *, marked: bool) -> Strip:
    """A line of `width` cells, the last of them for the mark."""
    line = strip.adjust_cell_length(max(0, width - 1), style)
    return Strip([*line, Segment(MARK if marked else " ", style)]).simplify()
