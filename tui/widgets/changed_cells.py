"""Which cells of a line changed: a widget repaints only those, as SSH carries each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from rich.cells import cell_len
from textual.strip import Strip

Look = TypeVar("Look")
Span = tuple[int, int]
"""The first cell of a stretch, and the one after its last."""


def split_cells(runs: Iterable[tuple[str, Look]]) -> list[tuple[str, Look]]:
    """Split scrubbed text into cells.

    The second cell of a wide character holds no text; a mark that takes no cell stays with the
    letter before it.

    Args:
        runs: texts, each with what it looks like (an ink, a style).
    """
    cells: list[tuple[str, Look]] = []
    for text, look in runs:
        for char in text:
            width = cell_len(char)
            if width:
                cells.append((char, look))
                cells.extend([("", look)] * (width - 1))
            elif cells:
                cells[-1] = (cells[-1][0] + char, cells[-1][1])
    return cells


def changed_spans(
    old: Sequence[tuple[str, Look]], new: Sequence[tuple[str, Look]], *, gap: int = 0
) -> Iterator[Span]:
    """The stretches of cells that changed; all cells where the line is longer or shorter now.

    Args:
        old: cells as `split_cells` gives them.
        new: likewise.
        gap: stretches at most so many cells apart are one.
    """
    if len(old) != len(new):
        yield 0, len(new)
        return
    begin = end = -1
    for place, (before, now) in enumerate(zip(old, new, strict=True)):
        # The second half of a wide character is repainted with its first.
        second_half = place == end and "" in (before[0], now[0])
        if before == now and not second_half:
            continue
        if begin >= 0 and place - end > gap:
            yield begin, end
            begin = place
        elif begin < 0:
            begin = place
        end = place + 1
    if begin >= 0:
        yield begin, end


def changed_span(old: Strip, new: Strip) -> Span:
    """From the first to the last cell that changed; an empty span where none did.

    All cells where a cluster of characters (an emoji of several) is not as wide as its characters
    are together, so that the position of a cell is unknown.
    """
    before, now = (split_cells((part.text, part.style) for part in strip) for strip in (old, new))
    width = new.cell_length
    if len(before) != width or len(now) != width:
        return (0, 0) if before == now else (0, width)
    return next(changed_spans(before, now, gap=width), (0, 0))
