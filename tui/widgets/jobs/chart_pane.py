"""The chart of a job under a line that says what it shows or what is read in it."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from tui.domain.jobs.view import JobView
from tui.widgets.jobs.job_metrics import Figure, curves_of
from tui.widgets.jobs.loss_chart import CHART_KEYS, LossChart
from tui.widgets.pane_title import PaneTitle
from tui.widgets.plot.view import following


class JobChart(LossChart):
    """The chart of a job: its keys also choose what it shows, which its screen does."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "screen.figure", "Loss, accuracy, rate, norm, speed", group=CHART_KEYS),
        Binding("o", "screen.overlay", "Lay another run over this one", group=CHART_KEYS),
    ]


class ChartPane(Vertical):
    """Shows one figure of a job, and the same of another run laid over it."""

    def __init__(self, *, braille: bool, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._braille = braille
        self._figure = Figure.LOSS
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
        """The line above it."""
        return self.query_one(PaneTitle)

    def show(self, view: JobView, other: JobView | None) -> None:
        """Show a job, and another one laid over it."""
        self._view, self._other = view, other
        others = [other] if other else []
        self.chart.show(curves_of(view, self._figure, *others))

    def next_figure(self) -> None:
        """Show the next figure."""
        self._figure = following(self._figure)
        if self._view:
            self.show(self._view, self._other)
        self._tell()

    @on(LossChart.Said)
    def _tell(self) -> None:
        chart = self.chart
        reading = chart.view.cursor is not None
        what = "" if reading else f"{self._figure.capitalize()} "
        self.title.show(*(f"{what}{words}" for words in chart.words))
