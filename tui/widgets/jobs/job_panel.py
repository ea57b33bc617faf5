"""The live view of one job: status lines, chart, checkpoints, events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import DescendantFocus
from textual.widget import Widget

from tui.domain.jobs.health import HealthNote
from tui.domain.jobs.view import JobView
from tui.domain.submission.prices import Price
from tui.widgets.jobs.chart_pane import ChartPane
from tui.widgets.jobs.checkpoint_table import CheckpointTable
from tui.widgets.jobs.event_list import EventList
from tui.widgets.jobs.job_header import NOTES, JobHeader

_MIN_HEIGHT = 20
"""Lines of a screen below which only one health note is shown."""

Pane = ChartPane | CheckpointTable | EventList


class JobPanel(Vertical):
    """The live view of one job; `show` repaints what differs.

    Three panes: chart, checkpoints, events. The lower two are side by side; on a narrow screen the
    style sheet shows only the one last focused.
    """

    DEFAULT_CSS = """
    JobPanel { height: 1fr; }
    JobPanel ChartPane { height: 1fr; min-height: 6; }
    JobPanel #job-lower { height: 30%; min-height: 4; max-height: 14; }
    JobPanel CheckpointTable { width: 1fr; }
    JobPanel EventList { width: 1fr; }
    """

    def __init__(
        self,
        prices: Mapping[str, Price],
        *,
        braille: bool,
        id: str | None = None,  # noqa: A002
    ) -> None:
        """Create an empty panel.

        Args:
            prices: what training costs, by model.
            braille: draw the chart in braille, otherwise in plain ASCII.
            id: the widget's id.
        """
        super().__init__(id=id)
        self._prices = prices
        self._braille = braille

    def compose(self) -> ComposeResult:
        """The header above the three panes."""
        yield JobHeader(self._prices)
        yield ChartPane(braille=self._braille)
        with Horizontal(id="job-lower", classes="-events"):
            yield CheckpointTable()
            yield EventList()

    @property
    def header(self) -> JobHeader:
        """The status lines."""
        return self.query_one(JobHeader)

    @property
    def chart(self) -> ChartPane:
        """The chart with its title."""
        return self.query_one(ChartPane)

    @property
    def checkpoints(self) -> CheckpointTable:
        """The checkpoints with their title."""
        return self.query_one(CheckpointTable)

    @property
    def event_list(self) -> EventList:
        """The events with their title."""
        return self.query_one(EventList)

    @property
    def pane(self) -> Pane | None:
        """The pane that has the focus."""
        return next((pane for pane in self._panes if pane.has_focus_within), None)

    @property
    def _panes(self) -> Sequence[Pane]:
        return self.chart, self.checkpoints, self.event_list

    def show(
        self, view: JobView, other: JobView | None, notes: Sequence[HealthNote], now: float
    ) -> None:
        """Show a job.

        Args:
            view: the job.
            other: a job to overlay in the chart.
            notes: of its health, the most severe first.
            now: Unix seconds.
        """
        max_notes = NOTES if self.screen.size.height >= _MIN_HEIGHT else 1
        self.header.show(view, notes[:max_notes], now)
        self.chart.show(view, other)
        self.checkpoints.show(view, now)
        self.event_list.show(view.events)

    def focus_pane(self, pane: Pane) -> None:
        """Focus a pane; on a narrow screen a lower pane replaces the other."""
        lower = self.query_one("#job-lower")
        if pane is not self.chart:
            lower.set_class(pane is self.checkpoints, "-checkpoints")
            lower.set_class(pane is self.event_list, "-events")
        inner: Widget = pane.chart if isinstance(pane, ChartPane) else pane.table
        inner.focus()

    def move_focus(self, by: int) -> None:
        """Focus the next or the previous pane."""
        panes = list(self._panes)
        index = panes.index(self.pane) if self.pane else 0
        self.focus_pane(panes[(index + by) % len(panes)])

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Mark the pane that has the focus."""
        for pane in self._panes:
            pane.title.mark(here=event.widget in pane.walk_children())
