"""A difference and its interval on a line from -1 to +1."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from tui.domain.evaluation.comparison import Estimate

_LOW, _HIGH = "-1 ", " +1"


def draw_interval(estimate: Estimate, width: int) -> str:
    """The interval as text of exactly `width` cells: `-1 ─────┼──━━●━━── +1`.

    Args:
        estimate: a difference between -1 and +1.
        width: at least 10 cells.
    """
    room = max(3, width - len(_LOW) - len(_HIGH))
    room -= 1 - room % 2
    line = ["─"] * room
    low, mean, high = (_cell(value, room) for value in (estimate.low, estimate.mean, estimate.high))
    line[room // 2] = "┼"
    for cell in range(low, high + 1):
        line[cell] = "╋" if cell == room // 2 else "━"
    line[mean] = "●"
    return (_LOW + "".join(line) + _HIGH).ljust(width)


def _cell(value: float, room: int) -> int:
    return round((max(-1.0, min(1.0, value)) + 1) / 2 * (room - 1))


class IntervalBar(Widget):
    """One line with the difference, its interval, and zero."""

    DEFAULT_CSS = "IntervalBar { height: 1; width: 1fr; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self._estimate: Estimate | None = None

    def show(self, estimate: Estimate) -> None:
        """Draw this difference."""
        self._estimate = estimate
        self.refresh()

    def render(self) -> Content:
        """The line, as wide as the widget, with a label at its end."""
        if self._estimate is None:
            return Content("")
        label = "  difference"
        drawn = draw_interval(self._estimate, max(10, self.size.width - len(label)))
        return Content(drawn + label)
