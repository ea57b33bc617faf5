"""The loss chart: a plot of which only the cells that changed are sent to the terminal."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui.widgets.plot import Curves, Ink, Line, plot


class LossChart(Widget):
    """Training and validation loss by step on one chart."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"loss-chart--{ink.value}" for ink in Ink}
    DEFAULT_CSS = """
    LossChart { height: 1fr; }
    LossChart > .loss-chart--axis { color: $text-muted; }
    LossChart > .loss-chart--train { color: $text-primary; }
    LossChart > .loss-chart--valid { color: $text-warning; }
    LossChart > .loss-chart--best { color: $text-success; text-style: bold; }
    LossChart > .loss-chart--checkpoint { color: $text-accent; }
    """

    def __init__(self, *, braille: bool = True, id: str | None = None) -> None:  # noqa: A002
        """Make an empty chart.

        Args:
            braille: draw lines in braille; otherwise in plain ASCII.
            id: the widget's id.
        """
        super().__init__(id=id)
        self._braille = braille
        self._curves = Curves()
        self._lines: list[Line] = []

    @property
    def braille(self) -> bool:
        """Whether lines are drawn in braille; setting it redraws."""
        return self._braille

    @braille.setter
    def braille(self, braille: bool) -> None:
        self._braille = braille
        self._redraw()

    def show(self, curves: Curves) -> None:
        """Draw other curves."""
        self._curves = curves
        self._redraw()

    def on_resize(self) -> None:
        """Draw at the new size."""
        self._redraw()

    def render_line(self, y: int) -> Strip:
        """One line of the plot."""
        width = self.size.width
        if y >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        style = self.rich_style
        segments = [
            Segment(text, style + self.get_component_rich_style(f"loss-chart--{ink}", partial=True))
            for text, ink in self._lines[y]
        ]
        return Strip(segments).adjust_cell_length(width, style)

    def _redraw(self) -> None:
        before = self._lines
        self._lines = plot(self._curves, *self.size, braille=self._braille)
        changed = [
            Region(begin, y, end - begin, 1)
            for y, line in enumerate(self._lines)
            if (old := before[y] if y < len(before) else None) != line
            for begin, end in [_difference(old, line)]
            if end > begin
        ]
        if changed:
            self.refresh(*changed)


def _difference(before: Line | None, now: Line) -> tuple[int, int]:
    """The first cell that differs, and the one after the last."""
    new = [(char, ink) for text, ink in now for char in text]
    old = [(char, ink) for text, ink in before or [] for char in text]
    if len(old) != len(new):
        return 0, len(new)
    differing = [i for i, pair in enumerate(zip(old, new, strict=True)) if pair[0] != pair[1]]
    return (differing[0], differing[-1] + 1) if differing else (0, 0)
