"""The chart: curves of which only the cells that changed are sent to the terminal."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.widgets.changed_cells import changed_spans, split_cells
from tui.widgets.plot.axes import MARGIN
from tui.widgets.plot.canvas import BLANK, Cell, Line
from tui.widgets.plot.cursor_readout import cursor_words, view_words
from tui.widgets.plot.curves import Curves
from tui.widgets.plot.drawing import draw
from tui.widgets.plot.glyphs import Ink
from tui.widgets.plot.navigation import caught_up, newest_place, panned, with_cursor_moved, zoomed
from tui.widgets.plot.trace import TracedCurves
from tui.widgets.plot.view import View, following

CHART_KEYS = Binding.Group("Chart")
"""The keys of the chart that stand in the footer, side by side; help tells them one by one."""
_ENDS = 1_000_000
_NEAR = 8
"""Cells that are sent again sooner than the terminal's cursor is sent over them."""


class LossChart(Widget, can_focus=True):
    """One or several runs by step or by time; looked at by keys while it has the focus."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "smooth", "Smooth not, weakly, strongly", group=CHART_KEYS),
        Binding("x", "turn", "By step or by time", group=CHART_KEYS),
        Binding("L", "log", "Log scale", show=False),
        Binding("plus,equals_sign", "zoom(0.5)", "Zoom in", key_display="+", show=False),
        Binding("minus", "zoom(2)", "Zoom out", key_display="-", show=False),
        Binding("0", "whole", "Show all of it", show=False),
        Binding("less_than_sign", "pan(-1)", "Earlier part", key_display="<", show=False),
        Binding("greater_than_sign", "pan(1)", "Later part", key_display=">", show=False),
        Binding("left,h", "cursor(-1)", "Read the value before", show=False),
        Binding("right,l", "cursor(1)", "Read the next value", show=False),
        Binding("home", f"cursor(-{_ENDS})", "Read the first value in sight", show=False),
        Binding("end", f"cursor({_ENDS})", "Read the last value in sight", show=False),
        Binding("b", "braille", "Braille or ASCII", show=False),
        Binding("escape", "no_cursor", "End reading", key_display="esc", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"loss-chart--{ink.value}" for ink in Ink}
    DEFAULT_CSS = """
    LossChart { height: 1fr; }
    LossChart > .loss-chart--axis { color: $foreground-muted; }
    LossChart > .loss-chart--words { color: $foreground-muted; }
    LossChart > .loss-chart--raw { color: $foreground-muted; text-style: dim; }
    LossChart > .loss-chart--line { color: $text-primary; text-style: bold; }
    LossChart > .loss-chart--other-1 { color: $text-success; }
    LossChart > .loss-chart--other-2 { color: $text-accent; }
    LossChart > .loss-chart--other-3 { color: $text-error; }
    LossChart > .loss-chart--other-4 { color: $text-secondary; }
    LossChart > .loss-chart--valid { color: $text-warning; }
    LossChart > .loss-chart--best { color: $text-success; text-style: bold; }
    LossChart > .loss-chart--checkpoint { color: $text-accent; }
    LossChart > .loss-chart--cursor { color: $text-accent; }
    LossChart > .loss-chart--crossed { text-style: reverse; }
    """

    class Said(Message):
        """The words about the chart are others now: how it is looked at, or what is read."""

        def __init__(self, chart: LossChart) -> None:
            super().__init__()
            self.chart = chart

        @property
        def control(self) -> LossChart:
            """The chart."""
            return self.chart

    def __init__(self, *, braille: bool = True, id: str | None = None) -> None:  # noqa: A002
        """Make an empty chart.

        Args:
            braille: draw lines in braille; otherwise in plain ASCII.
            id: the widget's id.
        """
        super().__init__(id=id)
        self._view = View(braille=braille)
        self._curves = TracedCurves()
        self._lines: list[Line] = []
        self._words: tuple[str, ...] = ()

    @property
    def view(self) -> View:
        """How the chart is looked at; setting it repaints what differs."""
        return self._view

    @view.setter
    def view(self, view: View) -> None:
        if view == self._view:
            return
        reading = self._view.cursor is not None
        self._view = view
        self._redraw()
        if reading != (view.cursor is not None):
            self.refresh_bindings()

    @property
    def words(self) -> tuple[str, ...]:
        """What the cursor reads, or how the chart is looked at; from long to short."""
        return self._words

    def show(self, curves: Curves) -> None:
        """Show curves as they are now; a part that is looked at moves along with its run."""
        seen = newest_place(self._curves, self._view)
        self._curves.follow(curves)
        self._view = caught_up(self._curves, self._view, seen)
        self._redraw()

    def look_anew(self) -> None:
        """Show all of the axis and no cursor, as of another run."""
        self.view = replace(self.view, window=None, cursor=None)

    def on_resize(self) -> None:
        """Draw at the new size."""
        self._redraw()

    def action_smooth(self) -> None:
        """Smooth not, weakly or strongly."""
        self.view = replace(self.view, smoothing=following(self.view.smoothing))

    def action_turn(self) -> None:
        """Draw by time, or by step."""
        self.view = self.view.turned()

    def action_log(self) -> None:
        """Draw on a logarithmic or on a linear scale."""
        self.view = replace(self.view, log=not self.view.log)

    def action_braille(self) -> None:
        """Draw in braille or in plain ASCII."""
        self.view = replace(self.view, braille=not self.view.braille)

    def action_zoom(self, factor: float) -> None:
        """Show so many times as much of the axis."""
        self.view = zoomed(self._curves, self.view, factor)

    def action_whole(self) -> None:
        """Show all of it."""
        self.view = replace(self.view, window=None)

    def action_pan(self, by: int) -> None:
        """Show an earlier or a later part."""
        self.view = panned(self._curves, self.view, by)

    def action_cursor(self, by: int) -> None:
        """Move the cursor, or begin to read."""
        self.view = with_cursor_moved(self._curves, self.view, by, self.size.width - MARGIN)

    def action_no_cursor(self) -> None:
        """Read no more."""
        self.view = replace(self.view, cursor=None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Where nothing is read, the key that ends it is the screen's."""
        return action != "no_cursor" or self.view.cursor is not None

    def render_line(self, y: int) -> Strip:
        """One line of the chart."""
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
        before, self._lines = self._lines, draw(self._curves, *self.size, self._view)
        regions = [
            Region(begin, y, end - begin, 1)
            for y, line in enumerate(self._lines)
            if y >= len(before) or before[y] != line
            for begin, end in changed_spans(
                _cells(before[y] if y < len(before) else []), _cells(line), gap=_NEAR
            )
        ]
        if regions:
            self.refresh(*regions)
        words = self._tell()
        if words != self._words:
            self._words = words
            self.post_message(self.Said(self))

    def _tell(self) -> tuple[str, ...]:
        if self._view.cursor is None:
            words = view_words(self._curves, self._view)
            return words, words.partition(" · ")[0]
        return (
            cursor_words(self._curves, self._view),
            cursor_words(self._curves, self._view, brief=True),
        )


def _cells(line: Line) -> list[Cell]:
    """The cells of a line; a blank is a blank in any ink."""
    return [BLANK if cell[0] == " " else cell for cell in split_cells(line)]
