"""The screen of several runs side by side: their curves in one chart, their settings in a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message

from tui.domain.jobs.comparison import (
    ComparedRun,
    ComparisonRow,
    comparison_rows,
    describe_comparison,
    run_titles,
)
from tui.domain.jobs.descriptions import job_name
from tui.domain.loop import Mode, Tone
from tui.screens.glyphs import draws_glyphs
from tui.screens.jobs.board import JobBoard, Key
from tui.screens.mode_screen import ModeScreen
from tui.services.container import Services
from tui.services.errors import FtuiError
from tui.services.jobs.run_comparison import load_compared_runs
from tui.widgets.jobs.loss_chart import LossChart
from tui.widgets.line_table import Cell, Column, LineTable
from tui.widgets.plot.curves import Curves, RunCurves

_NAME_WIDTH = 24
_TICK_SECONDS = 3.0
_RUN_WIDTH = 17
"""Cells of a run's column at the least; the rest stand beyond the edge."""


class RunComparisonScreen(ModeScreen):
    """Runs as the list knows them; lies over it, and asks no server itself."""

    MODE = Mode.JOBS
    CSS_PATH = "comparison_screen.tcss"
    ABOUT = (
        "Several runs in one chart, and in a table of what was set and how it came out. What "
        "differs comes first. What the workspace recorded is enough; no server is needed."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "training", "Valid/train", tooltip="Validation or training loss"),
        Binding("d", "equal", "Differing"),
        Binding("left_square_bracket", "turn(-1)", "Run before", key_display="[", show=False),
        Binding("right_square_bracket", "turn(1)", "Next run", key_display="]"),
        Binding("r", "read_again", "Read again"),
        Binding("escape", "back", "List", key_display="esc"),
    ]

    @dataclass
    class Read(Message):
        """What the workspace knows of the runs, or why it cannot be read."""

        runs: Sequence[ComparedRun]
        error: FtuiError | None = None

    def __init__(self, services: Services, board: JobBoard, keys: Sequence[Key]) -> None:
        """Compare runs.

        Args:
            services: for what the workspace keeps.
            board: what is known of the jobs.
            keys: which runs, the first one is the chart's own.
        """
        super().__init__(services)
        self.board = board
        self.keys = keys
        self.runs: Sequence[ComparedRun] = ()
        self.rows: Sequence[ComparisonRow] = ()
        self._training = False
        self._differing_only = False
        self._first = 0

    def compose_body(self) -> ComposeResult:
        """The chart above the table."""
        yield LossChart(braille=draws_glyphs(self.services), id="comparison-chart")
        yield LineTable([], self._cells, id="comparison-table")

    def on_mount(self) -> None:
        """Read what is recorded."""
        self.headline(f"Reading {len(self.keys)} runs …")
        self.query_one(LineTable).focus()
        self._read()
        self.set_interval(_TICK_SECONDS, self._read_news)

    @work(exclusive=True, group="read", exit_on_error=False)
    async def _read(self) -> None:
        services = self.services
        try:
            views = [self.board.views[key] for key in self.keys]
            runs = await load_compared_runs(services.workspace, services.evaluations, views)
        except FtuiError as error:
            self.post_message(self.Read((), error))
        else:
            self.post_message(self.Read(runs))

    def on_run_comparison_screen_read(self, message: Read) -> None:
        """Show the runs."""
        if message.error:
            self.headline(f"{message.error} r reads again.")
            return
        self.runs = message.runs
        self.rows = comparison_rows(self.runs, self.services.jobs.now())
        self.headline(describe_comparison(self.runs, self.rows))
        # Where nothing was validated, the other curve says more than an empty chart.
        self._training = self._training or not any(run.view.valid for run in self.runs)
        self._show_chart()
        self._show_table()

    def worker_failed(self, error: FtuiError) -> None:
        """Say it where the runs would be."""
        self.post_message(self.Read((), error))

    def on_resize(self) -> None:
        """As many runs as there is room for."""
        super().on_resize()
        self._show_table()

    def disabled_reason(self, action: str) -> str | None:
        """Why a key does nothing now."""
        name = action.partition("(")[0]
        if name == "training" and not any(run.view.valid for run in self.runs):
            return "No run was validated; the training loss is shown."
        if name == "equal" and all(row.differs for row in self.rows):
            return "No row is the same in all runs."
        if name == "turn" and self._in_sight() >= len(self.runs):
            return "All runs are in sight."
        return None

    def action_training(self) -> None:
        """Show the training loss in place of the validation loss, or the other way."""
        self._training = not self._training
        self._show_chart()

    def action_equal(self) -> None:
        """Hide the rows in which all runs are the same, or show them again."""
        self._differing_only = not self._differing_only
        self._show_table()

    def action_turn(self, by: int) -> None:
        """Bring other runs into sight."""
        self._first += by
        self._show_table()

    def action_read_again(self) -> None:
        """Read what came meanwhile."""
        self._read()

    def _read_news(self) -> None:
        """Runs that have not ended go on, and what a server keeps of past ones comes in."""
        shown = [run.view for run in self.runs]
        if self.is_seen and shown != [self.board.views[key] for key in self.keys]:
            self._read()

    def action_back(self) -> None:
        """Back to the list."""
        self.dismiss()

    def _show_chart(self) -> None:
        runs = [_curves(run, training=self._training) for run in self.runs]
        word = "training" if self._training else "validation"
        self.query_one(LossChart).show(
            Curves(runs, line_word=f"{word} loss", absent=f"No {word} loss was told.")
        )

    def _show_table(self) -> None:
        self._first = max(0, min(self._first, len(self.runs) - self._in_sight()))
        shown = range(self._first, self._first + self._in_sight())
        table = self.query_one(LineTable)
        table.columns = [
            Column("≠ differs", _NAME_WIDTH),
            *(
                Column(title, hidden=number not in shown)
                for number, title in enumerate(run_titles(self.runs))
            ),
        ]
        table.set_row_count(len(self._shown_rows()))
        table.rows_changed()
        self.refresh_bindings()

    def _in_sight(self) -> int:
        """How many runs the table has room for."""
        room = (self.size.width - _NAME_WIDTH - 3) // (_RUN_WIDTH + 1)
        return max(1, min(room, len(self.runs)))

    def _shown_rows(self) -> list[ComparisonRow]:
        return [row for row in self.rows if row.differs or not self._differing_only]

    def _cells(self, number: int) -> Sequence[Cell]:
        row = self._shown_rows()[number]
        if not row.differs:
            return [f"  {row.name}", *row.cells]
        return [(f"≠ {row.name}", Tone.WARNED), *((cell, Tone.WARNED) for cell in row.cells)]


def _curves(run: ComparedRun, *, training: bool) -> RunCurves:
    view = run.view
    return RunCurves(
        job_name(view),
        line=view.train if training else view.valid,
        best=None if training else view.best,
        started_at=view.started_at,
    )
