"""A chart of curves that sends only changed cells to the terminal."""

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
from tui.widgets.plot.cursor_readout import describe_cursor, describe_view
from tui.widgets.plot.curves import Curves
from tui.widgets.plot.drawing import draw
from tui.widgets.plot.glyphs import Ink
from tui.widgets.plot.navigation import follow_run, move_cursor, newest_position, panned, zoomed
from tui.widgets.plot.trace import TracedCurves
from tui.widgets.plot.view import View, next_member

_TO_END = 1_000_000
_MERGE_GAP = 8
"""Unchanged cells that cost less to send again than moving the terminal's cursor over them."""


class LossChart(Widget, can_focus=True):
    """One or several runs by step or by time; keys change the view while it has the focus."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "smooth", "Smoothing", id="chart.smooth"),
        Binding("x", "x_axis", "By step or by time", id="chart.x_axis", show=False),
        Binding("L", "log", "Log scale", id="chart.log", show=False),
        Binding(
            "plus,equals_sign",
            "zoom(0.5)",
            "Zoom in",
            id="chart.zoom_in",
            key_display="+",
            show=False,
        ),
        Binding("minus", "zoom(2)", "Zoom out", id="chart.zoom_out", key_display="-", show=False),
        Binding("0", "reset_zoom", "Reset zoom", id="chart.reset_zoom", show=False),
        Binding(
            "less_than_sign",
            "pan(-1)",
            "Pan left",
            id="chart.pan_left",
            key_display="<",
            show=False,
        ),
        Binding(
            "greater_than_sign",
            "pan(1)",
            "Pan right",
            id="chart.pan_right",
            key_display=">",
            show=False,
        ),
        Binding("left,h", "cursor(-1)", "Previous value", id="chart.previous", show=False),
        Binding("right,l", "cursor(1)", "Next value", id="chart.next", show=False),
        Binding("home", f"cursor(-{_TO_END})", "First value", id="chart.first", show=False),
        Binding("end", f"cursor({_TO_END})", "Last value", id="chart.last", show=False),
        Binding("b", "braille", "Braille or ASCII", id="chart.braille", show=False),
        Binding(
            "escape",
            "hide_cursor",
            "Hide cursor",
            id="chart.hide_cursor",
            key_display="esc",
            show=False,
        ),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"loss-chart--{ink.value}" for ink in Ink}
    DEFAULT_CSS = """
    LossChart { height: 1fr; }
    LossChart > .loss-chart--axis { color: $foreground-muted; }
    LossChart > .loss-chart--message { color: $foreground-muted; }
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

    class CaptionChanged(Message):
        """The caption of the chart has changed."""

        def __init__(self, chart: LossChart) -> None:
            super().__init__()
            self.chart = chart

        @property
        def control(self) -> LossChart:
            """The chart."""
            return self.chart

    def __init__(self, *, braille: bool = True, id: str | None = None) -> None:  # noqa: A002
        """Create an empty chart.

        Args:
            braille: draw lines in braille, otherwise in plain ASCII.
            id: the widget's id.
        """
        super().__init__(id=id)
        self._view = View(braille=braille)
        self._curves = TracedCurves()
        self._lines: list[Line] = []
        self._captions: tuple[str, ...] = ()

    @property
    def view(self) -> View:
        """How the chart is shown; setting it repaints what differs."""
        return self._view

    @view.setter
    def view(self, view: View) -> None:
        if view == self._view:
            return
        had_cursor = self._view.cursor is not None
        self._view = view
        self._redraw()
        if had_cursor != (view.cursor is not None):
            self.refresh_bindings()

    @property
    def captions(self) -> tuple[str, ...]:
        """The values under the cursor, or how the chart is shown; from long to short."""
        return self._captions

    def show(self, curves: Curves) -> None:
        """Show curves; a zoomed window moves along with the newest point."""
        previous = newest_position(self._curves, self._view)
        self._curves.update(curves)
        self._view = follow_run(self._curves, self._view, previous)
        self._redraw()

    def reset_view(self) -> None:
        """Show the full axis and no cursor."""
        self.view = replace(self.view, window=None, cursor=None)

    def on_resize(self) -> None:
        """Draw at the new size."""
        self._redraw()

    def action_smooth(self) -> None:
        """Go to the next level of smoothing: off, weak, strong."""
        self.view = replace(self.view, smoothing=next_member(self.view.smoothing))

    def action_x_axis(self) -> None:
        """Switch between steps and time."""
        self.view = self.view.with_other_axis()

    def action_log(self) -> None:
        """Switch between a logarithmic and a linear scale."""
        self.view = replace(self.view, log=not self.view.log)

    def action_braille(self) -> None:
        """Switch between braille and plain ASCII."""
        self.view = replace(self.view, braille=not self.view.braille)

    def action_zoom(self, factor: float) -> None:
        """Show `factor` times as much of the axis."""
        self.view = zoomed(self._curves, self.view, factor)

    def action_reset_zoom(self) -> None:
        """Show the full axis."""
        self.view = replace(self.view, window=None)

    def action_pan(self, by: int) -> None:
        """Move the window to the left or right."""
        self.view = panned(self._curves, self.view, by)

    def action_cursor(self, by: int) -> None:
        """Move the cursor, or show it."""
        self.view = move_cursor(self._curves, self.view, by, self.size.width - MARGIN)

    def action_hide_cursor(self) -> None:
        """Hide the cursor."""
        self.view = replace(self.view, cursor=None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without a cursor, esc is the screen's."""
        return action != "hide_cursor" or self.view.cursor is not None

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
        previous, self._lines = self._lines, draw(self._curves, *self.size, self._view)
        regions = [
            Region(begin, y, end - begin, 1)
            for y, line in enumerate(self._lines)
            if y >= len(previous) or previous[y] != line
            for begin, end in changed_spans(
                _cells(previous[y] if y < len(previous) else []), _cells(line), gap=_MERGE_GAP
            )
        ]
        if regions:
            self.refresh(*regions)
        captions = self._describe()
        if captions != self._captions:
            self._captions = captions
            self.post_message(self.CaptionChanged(self))

    def _describe(self) -> tuple[str, ...]:
        if self._view.cursor is None:
            text = describe_view(self._curves, self._view)
            return text, text.partition(" · ")[0]
        return (
            describe_cursor(self._curves, self._view),
            describe_cursor(self._curves, self._view, brief=True),
        )


def _cells(line: Line) -> list[Cell]:
    """The cells of a line; blanks of different inks are equal."""
    return [BLANK if cell[0] == " " else cell for cell in split_cells(line)]
