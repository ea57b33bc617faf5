"""The chart of a job under a title that describes it or the values under its cursor."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from tui.domain.jobs.view import JobView
from tui.widgets.jobs.job_metrics import Metric, metric_curves
from tui.widgets.jobs.loss_chart import LossChart
from tui.widgets.pane_title import PaneTitle
from tui.widgets.plot.view import next_member


class JobChart(LossChart):
    """The chart of a job, with keys for actions of its screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "screen.next_metric", "Metric", id="chart.metric"),
        Binding("o", "screen.overlay", "Overlay run", id="chart.overlay"),
    ]


class ChartPane(Vertical):
    """Shows one metric of a job, and of an overlaid run."""

    def __init__(self, *, braille: bool, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._braille = braille
        self._metric = Metric.LOSS
        self._view: JobView | None = None
        self._other: JobView | None = None

    def compose(self) -> ComposeResult:
        """Title and chart."""
        yield PaneTitle(id="chart-title")
        yield JobChart(braille=self._braille, id="job-chart")

    @property
    def chart(self) -> LossChart:
        """The chart."""
        return self.query_one(LossChart)

    @property
    def title(self) -> PaneTitle:
        """The line above the chart."""
        return self.query_one(PaneTitle)

    def show(self, view: JobView, other: JobView | None) -> None:
        """Show a job, and another one overlaid."""
        self._view, self._other = view, other
        overlays = [other] if other else []
        self.chart.show(metric_curves(view, self._metric, *overlays))

    def show_next_metric(self) -> None:
        """Show the next metric."""
        self._metric = next_member(self._metric)
        if self._view:
            self.show(self._view, self._other)
        self._show_title()

    @on(LossChart.CaptionChanged)
    def _show_title(self) -> None:
        chart = self.chart
        prefix = "" if chart.view.cursor is not None else f"{self._metric.capitalize()} "
        self.title.show(*(f"{prefix}{caption}" for caption in chart.captions))
