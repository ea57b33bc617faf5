"""Bars of counts as lines of text: in box characters, or in plain ASCII."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual.content import Content

from tui.domain.rows.row_statistics import Histogram
from tui.domain.text import number
from tui.widgets.line_table import fit

_SHORTEST_BAR = 6
_LONGEST_LABEL = 28


@dataclass(frozen=True, slots=True)
class Bar:
    """A label, scrubbed, and its count."""

    label: str
    count: int


def bar(share: float, width: int, *, blocks: bool = True) -> str:
    """A bar of exactly `width` cells, filled by a share; a share above 0 is never empty.

    Args:
        share: 0 to 1.
        width: cells.
        blocks: draw with box characters in half cells; otherwise with `#`.
    """
    if not blocks:
        return ("#" * max(round(share * width), share > 0)).ljust(width)
    halves = max(round(share * width * 2), share > 0)
    return ("━" * (halves // 2) + "╸" * (halves % 2)).ljust(width)


def draw_bars(
    bars: Sequence[Bar], total: int, width: int, *, blocks: bool = True, right: bool = False
) -> list[Content]:
    """One line per bar, of exactly `width` cells: `user    ━━━━━━━╸      1,204  67%`.

    The longest bar fills the space; counts and shares are aligned.

    Args:
        bars: from top to bottom.
        total: what the shares are of.
        width: cells of a line.
        blocks: draw with box characters; otherwise in plain ASCII.
        right: whether labels are right-aligned, as for numbers.
    """
    most = max((item.count for item in bars), default=0)
    counts = [f" {number(item.count)} {percent(item.count, total)}" for item in bars]
    figures = max(map(len, counts), default=0)
    longest = max((cell_len(item.label) for item in bars), default=0)
    label = max(1, min(longest, _LONGEST_LABEL, width - figures - _SHORTEST_BAR - 1))
    room = max(0, width - label - 1 - figures)
    lines = []
    for item, figure in zip(bars, counts, strict=True):
        drawn = Content(bar(item.count / most if most else 0, room, blocks=blocks))
        text = fit(item.label, label, right=right)
        lines.append(
            Content.assemble(text, " ", drawn.stylize("$text-primary"), figure.rjust(figures))
        )
    return lines


def ranges(histogram: Histogram) -> list[Bar]:
    """The ranges of a histogram as bars, labelled `3`, `10-19`, `200+`."""
    edges = histogram.edges
    last = len(histogram.counts) - 1
    step = edges[1] - edges[0] if last > 0 else 0
    bars = []
    for i, (begin, end, count) in enumerate(zip(edges, edges[1:], histogram.counts, strict=False)):
        if i == last and step and end - begin > step:
            label = f"{number(begin)}+"
        elif end - begin <= 1:
            label = number(begin)
        else:
            label = f"{number(begin)}-{number(end - 1)}"
        bars.append(Bar(label, count))
    return bars


def percent(count: int, total: int) -> str:
    """A share in 4 cells; one above 0 is never shown as 0%."""
    share = count / total * 100 if total else 0.0
    return " <1%" if 0 < share < 0.5 else f"{share:3.0f}%"
