"""One job, live: figures in single lines, the loss chart, checkpoints, events."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from tui.domain.loop import Tone
from tui.domain.run_words import checkpoints_line, clock_time, figures_line, progress_line
from tui.domain.runs import JobEvent, JobView
from tui.domain.text import preview
from tui.widgets.line_table import Cell, Column, LineTable
from tui.widgets.loss_chart import LossChart
from tui.widgets.plot.curves import Curves, Point, RunCurves

_COLUMNS = [Column("time", 16), Column("event")]
_LEVELS = {"warn": Tone.WARNED, "warning": Tone.WARNED, "error": Tone.BAD}


class LiveLine(Static):
    """A line of a width that its text does not change; repainted when it says something else."""

    DEFAULT_CSS = "LiveLine { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes, markup=False)
        self.text = ""

    def say(self, text: str) -> None:
        """Show a line of scrubbed text."""
        if text != self.text:
            self.text = text
            self.update(Content(text), layout=False)


class JobPanel(Vertical):
    """The live view of one job; `show` it a `JobView` and it repaints what differs."""

    DEFAULT_CSS = """
    JobPanel { height: 1fr; }
    JobPanel Horizontal { height: 1; padding: 0 1; }
    JobPanel #job-progress { width: 1fr; }
    JobPanel #job-contact { width: 19; text-align: right; color: $text-muted; }
    JobPanel #job-contact.-trouble { width: 44; color: $text-warning; }
    JobPanel #job-figures { padding: 0 1; }
    JobPanel #job-checkpoints { padding: 0 1; color: $text-muted; }
    JobPanel LossChart { min-height: 6; }
    JobPanel #job-events { height: 6; }
    """

    def __init__(self, *, braille: bool, id: str | None = None) -> None:  # noqa: A002
        """Make an empty panel.

        Args:
            braille: draw the chart in braille; otherwise in plain ASCII.
            id: the widget's id.
        """
        super().__init__(id=id)
        self._braille = braille
        self._events: Sequence[JobEvent] = ()

    def compose(self) -> ComposeResult:
        """Two lines of figures, the chart, a line of checkpoints, the events."""
        with Horizontal():
            yield LiveLine(id="job-progress")
            yield LiveLine(id="job-contact")
        yield LiveLine(id="job-figures")
        yield LossChart(braille=self._braille, id="job-chart")
        yield LiveLine(id="job-checkpoints")
        yield LineTable(_COLUMNS, self._event_cells, id="job-events")

    @property
    def chart(self) -> LossChart:
        """The loss chart."""
        return self.query_one(LossChart)

    def show(self, view: JobView, now: float) -> None:
        """Show how the job stands."""
        self.tick(view, now)
        self.query_one("#job-figures", LiveLine).say(figures_line(view))
        self.query_one("#job-checkpoints", LiveLine).say(checkpoints_line(view))
        self.chart.show(
            Curves(
                [
                    RunCurves(
                        line=[Point(*point) for point in view.train],
                        marks=[Point(*point) for point in view.valid],
                        best=Point(*view.best) if view.best else None,
                        checkpoints=[one.step for one in view.checkpoints],
                    )
                ],
                view.total_steps,
            )
        )
        if len(view.events) != len(self._events) or view.events[-1:] != tuple(self._events[-1:]):
            self._events = view.events
            table = self.query_one("#job-events", LineTable)
            table.set_row_count(len(view.events))
            table.rows_changed()

    def tick(self, view: JobView, now: float) -> None:
        """Show the times anew."""
        self.query_one("#job-progress", LiveLine).say(progress_line(view, now))

    def say_contact(self, words: str, *, trouble: bool) -> None:
        """Say how fresh what is shown is."""
        line = self.query_one("#job-contact", LiveLine)
        line.set_class(trouble, "-trouble")
        line.say(words)

    def _event_cells(self, row: int) -> Sequence[Cell]:
        """The newest event is the first row."""
        event = self._events[len(self._events) - 1 - row]
        tone = _LEVELS.get(event.level, Tone.NONE)
        return [clock_time(event.at), (preview(event.message, 300), tone)]
