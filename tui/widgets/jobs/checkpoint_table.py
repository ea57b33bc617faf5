"""The checkpoints of a job with their losses, the newest first."""

from __future__ import annotations

import math
from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical

from tui.domain.jobs.view import Checkpoint, JobView
from tui.domain.loop import Tone
from tui.domain.text import ago, loss, number, preview
from tui.widgets.line_table import Cell, Column, LineTable
from tui.widgets.pane_title import PaneTitle

_COLUMNS = [
    Column("step", 8, right=True),
    Column("train", 6, right=True),
    Column("valid", 6, right=True),
    Column("", 6),
    Column("age", 7, right=True),
    Column("name"),
]
_AGE_STEP = 60
"""Seconds by which ages move on: a table that ticks costs a slow link dearly."""


class CheckpointTable(Vertical):
    """A title and the checkpoints; the one of the lowest validation loss is marked."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._checkpoints: Sequence[Checkpoint] = ()
        self._rows: list[Sequence[Cell]] = []

    def compose(self) -> ComposeResult:
        """Title and table."""
        yield PaneTitle(id="checkpoints-title")
        yield LineTable(_COLUMNS, lambda row: self._rows[row], id="job-checkpoints")

    @property
    def table(self) -> LineTable:
        """The table."""
        return self.query_one(LineTable)

    @property
    def title(self) -> PaneTitle:
        """The line above it."""
        return self.query_one(PaneTitle)

    @property
    def chosen(self) -> Checkpoint | None:
        """The checkpoint under the cursor; None where there is none."""
        row = self.table.cursor
        return self._checkpoints[row] if row < len(self._checkpoints) else None

    def show(self, view: JobView, now: float) -> None:
        """Show a job's checkpoints.

        Args:
            view: the job.
            now: Unix seconds; ages are told for the minute.
        """
        coarse = now // _AGE_STEP * _AGE_STEP
        chosen, before = self.table.cursor, self._rows
        grew = len(view.checkpoints) - len(self._checkpoints)
        self._checkpoints = tuple(reversed(view.checkpoints))
        best = _best(self._checkpoints)
        self._rows = [_cells(one, one.id == best, coarse) for one in self._checkpoints]
        self.table.set_row_count(len(self._rows))
        if chosen and grew > 0:
            # What is new comes in above; the cursor stays on its checkpoint.
            self.table.cursor = chosen + grew
        pairs = enumerate(zip(before, self._rows, strict=False))
        self.table.rows_changed([row for row, (old, new) in pairs if old != new])
        count = number(len(self._rows)) if self._rows else "none yet"
        self.title.show(f"Checkpoints  {count}")


def _best(checkpoints: Sequence[Checkpoint]) -> str | None:
    """The id of the checkpoint of the lowest validation loss; None where none was measured."""
    losses = {one.id: one.valid_loss for one in checkpoints if one.valid_loss is not None}
    finite = {name: value for name, value in losses.items() if math.isfinite(value)}
    return min(finite, key=finite.__getitem__, default=None)


def _cells(one: Checkpoint, is_best: bool, now: float) -> Sequence[Cell]:
    age = ago(max(0.0, now - one.at)).removesuffix(" ago")
    best: Cell = ("★ best", Tone.GOOD) if is_best else ""
    name = _short(one.name) if one.name else "not served by name"
    return [number(one.step), loss(one.train_loss), loss(one.valid_loss), best, age, name]


def _short(name: str) -> str:
    """A model's name without what all checkpoints of a job have in common: `…:ckpt-step-20`."""
    head, colon, tail = name.rpartition(":")
    return preview(f"…:{tail}" if colon and tail and len(head) > 2 else name, 200)
