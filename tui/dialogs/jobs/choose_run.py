"""Choose a run to overlay on the curves of another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from tui.dialogs.dialog import Dialog
from tui.domain.jobs.descriptions import job_name, model_name, status_label
from tui.domain.jobs.list_rows import format_age
from tui.domain.jobs.view import JobView
from tui.domain.text import loss
from tui.widgets.line_table import Cell, Column, LineTable

_COLUMNS = [
    Column("state", 13),
    Column("name"),
    Column("base model"),
    Column("loss", 6, right=True),
    Column("valid", 6, right=True),
    Column("age", 6, right=True),
]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The chosen run; None for no overlay."""

    run: JobView | None


class ChooseRun(Dialog[Chosen | None]):
    """A list of runs; returns the choice, None to change nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close", id="choose_run.close"),
        Binding("x", "none", "No overlay", id="choose_run.none"),
    ]
    DEFAULT_CSS = "ChooseRun LineTable { height: auto; max-height: 12; }"

    def __init__(self, runs: Sequence[JobView], now: float) -> None:
        """Create the dialog.

        Args:
            runs: latest first.
            now: Unix seconds, for their ages.
        """
        super().__init__()
        self._runs = runs
        self._now = now

    def compose(self) -> ComposeResult:
        """The runs and a hint."""
        with Vertical(classes="dialog -wide"):
            yield Static("Overlay run", classes="dialog--title", markup=False)
            yield LineTable(_COLUMNS, self._cells)
            hint = "enter overlays the run, x removes the overlay, esc cancels."
            yield Static(hint, classes="dialog--hint", markup=False)

    def on_mount(self) -> None:
        """Focus the list."""
        table = self.query_one(LineTable)
        table.set_row_count(len(self._runs))
        table.focus()

    def action_none(self) -> None:
        """Remove the overlay."""
        self.dismiss(Chosen(None))

    @on(LineTable.RowSelected)
    def _choose(self, message: LineTable.RowSelected) -> None:
        self.dismiss(Chosen(self._runs[message.row]))

    def _cells(self, row: int) -> Sequence[Cell]:
        run = self._runs[row]
        return [
            status_label(run),
            job_name(run),
            model_name(run),
            loss(run.train_loss),
            loss(run.valid_loss),
            format_age(run, self._now),
        ]
