"""Where a long text stands: a mark in the last column, drawn as part of the lines beside it.

A scrollbar of Textual is a widget of its own and is sent whole whenever its thumb moves: 60 bytes a
line over SSH. A mark that is a cell of its line costs a byte, and nothing where it stays.
"""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

MARK = "┃"


def marked_line(height: int, first: int, total: int) -> int | None:
    """The line in sight that carries the mark; None where all of the text is in sight.

    Args:
        height: lines in sight.
        first: the first line in sight, from 0.
        total: lines of the text.
    """
    if height <= 0 or total <= height:
        return None
    last = total - height
    return round((height - 1) * min(first, last) / last)


def line_at(y: int, height: int, total: int) -> int:
    """The line of the text that a click beside line `y` in sight means."""
    return round(y / max(1, height - 1) * max(0, total - 1))


def with_mark(strip: Strip, width: int, style: Style, *, marked: bool) -> Strip:
    """A line of so many cells, the last of them for the mark."""
    line = strip.adjust_cell_length(max(0, width - 1), style)
    return Strip([*line, Segment(MARK if marked else " ", style)]).simplify()
