"""The screen that compares runs: their curves in one chart, their settings in a table."""

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
from tui.domain.loop import Mode
from tui.domain.tone import Tone
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
_MIN_RUN_WIDTH = 17
"""Cells of a run's column; runs without room for it are scrolled to."""


class RunComparisonScreen(ModeScreen):
    """Compares marked runs; opens over the list and polls no server itself."""

    MODE = Mode.JOBS
    CSS_PATH = "comparison_screen.tcss"
    ABOUT = (
        "Several runs in one chart, and their settings and results in a table; rows that differ "
        "come first. Everything comes from the workspace; no server is needed."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "v",
            "training",
            "Valid/train",
            id="runs.training",
            tooltip="Validation or training loss",
        ),
        Binding("d", "equal", "Differing", id="runs.differing"),
        Binding(
            "left_square_bracket",
            "turn(-1)",
            "Previous run",
            id="runs.previous",
            key_display="[",
            show=False,
        ),
        Binding("right_square_bracket", "turn(1)", "Next run", id="runs.next", key_display="]"),
        Binding("r", "reload", "Reload", id="runs.reload"),
        Binding("escape", "back", "List", id="runs.back", key_display="esc"),
    ]

    @dataclass
    class Loaded(Message):
        """The recorded runs, or why they cannot be read."""

        runs: Sequence[ComparedRun]
        error: FtuiError | None = None

    def __init__(self, services: Services, board: JobBoard, keys: Sequence[Key]) -> None:
        """Compare runs.

        Args:
            services: for the workspace.
            board: the state of all jobs.
            keys: the runs; the first is the main one of the chart.
        """
        super().__init__(services)
        self.board = board
        self.keys = keys
        self.runs: Sequence[ComparedRun] = ()
        self.rows: Sequence[ComparisonRow] = ()
        self._training = False
        self._differing_only = False
        self._first_run = 0

    def compose_body(self) -> ComposeResult:
        """The chart above the table."""
        yield LossChart(braille=draws_glyphs(self.services), id="comparison-chart")
        yield LineTable([], self._cells, id="comparison-table")

    def on_mount(self) -> None:
        """Load the recorded runs."""
        self.headline(f"Loading {len(self.keys)} runs …")
        self.query_one(LineTable).focus()
        self._load()
        self.set_interval(_TICK_SECONDS, self._load_changes)

    @work(exclusive=True, group="load", exit_on_error=False)
    async def _load(self) -> None:
        services = self.services
        try:
            views = [self.board.views[key] for key in self.keys]
            runs = await load_compared_runs(services.workspace, services.evaluations, views)
        except FtuiError as error:
            self.post_message(self.Loaded((), error))
        else:
            self.post_message(self.Loaded(runs))

    def on_run_comparison_screen_loaded(self, message: Loaded) -> None:
        """Show the runs."""
        if message.error:
            self.headline(f"{message.error} Press r to retry.")
            return
        self.runs = message.runs
        self.rows = comparison_rows(self.runs, self.services.jobs.now())
        self.headline(describe_comparison(self.runs, self.rows))
        # Without validation losses the training losses are shown instead of an empty chart.
        self._training = self._training or not any(run.view.valid for run in self.runs)
        self._show_chart()
        self._show_table()

    def worker_failed(self, error: FtuiError) -> None:
        """Show the failure in place of the runs."""
        self.post_message(self.Loaded((), error))

    def on_resize(self) -> None:
        """Show as many runs as there is room for."""
        super().on_resize()
        self._show_table()

    def disabled_reason(self, action: str) -> str | None:
        """Why a key does nothing now."""
        name = action.partition("(")[0]
        if name == "training" and not any(run.view.valid for run in self.runs):
            return "No run has a validation loss."
        if name == "equal" and all(row.differs for row in self.rows):
            return "All rows differ."
        if name == "turn" and self._visible_runs() >= len(self.runs):
            return "All runs are shown."
        return None

    def action_training(self) -> None:
        """Switch between validation and training losses."""
        self._training = not self._training
        self._show_chart()

    def action_equal(self) -> None:
        """Hide or show the rows that are equal in all runs."""
        self._differing_only = not self._differing_only
        self._show_table()

    def action_turn(self, by: int) -> None:
        """Scroll to other runs."""
        self._first_run += by
        self._show_table()

    def action_reload(self) -> None:
        """Load the runs again."""
        self._load()

    def _load_changes(self) -> None:
        """Load the runs again where the list has newer ones."""
        views = [run.view for run in self.runs]
        if self.is_seen and views != [self.board.views[key] for key in self.keys]:
            self._load()

    def action_back(self) -> None:
        """Back to the list."""
        self.dismiss()

    def _show_chart(self) -> None:
        runs = [_curves(run, training=self._training) for run in self.runs]
        label = "training" if self._training else "validation"
        self.query_one(LossChart).show(
            Curves(runs, line_label=f"{label} loss", empty_message=f"No {label} loss reported.")
        )

    def _show_table(self) -> None:
        self._first_run = max(0, min(self._first_run, len(self.runs) - self._visible_runs()))
        visible = range(self._first_run, self._first_run + self._visible_runs())
        table = self.query_one(LineTable)
        table.columns = [
            Column("≠ differs", _NAME_WIDTH),
            *(
                Column(title, hidden=number not in visible)
                for number, title in enumerate(run_titles(self.runs))
            ),
        ]
        table.set_row_count(len(self._shown_rows()))
        table.rows_changed()
        self.refresh_bindings()

    def _visible_runs(self) -> int:
        """How many runs the table has room for."""
        room = (self.size.width - _NAME_WIDTH - 3) // (_MIN_RUN_WIDTH + 1)
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
