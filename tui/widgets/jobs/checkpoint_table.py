"""The checkpoints of a job with their losses, newest first."""

from __future__ import annotations

import math
from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical

from tui.domain.jobs.view import Checkpoint, JobView
from tui.domain.text import ago, loss, number, preview
from tui.domain.tone import Tone
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
_AGE_SECONDS = 60
"""Ages are shown in steps of a minute: a ticking table is expensive on a slow link."""


class CheckpointTable(Vertical):
    """A title and the checkpoints; the one with the lowest validation loss is marked."""

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
        """The line above the table."""
        return self.query_one(PaneTitle)

    @property
    def selected_checkpoint(self) -> Checkpoint | None:
        """The checkpoint under the cursor; None if there is none."""
        row = self.table.cursor
        return self._checkpoints[row] if row < len(self._checkpoints) else None

    def show(self, view: JobView, now: float) -> None:
        """Show a job's checkpoints.

        Args:
            view: the job.
            now: Unix seconds; rounded down to the minute for ages.
        """
        minute = now // _AGE_SECONDS * _AGE_SECONDS
        cursor, previous_rows = self.table.cursor, self._rows
        added = len(view.checkpoints) - len(self._checkpoints)
        self._checkpoints = tuple(reversed(view.checkpoints))
        best = _best(self._checkpoints)
        self._rows = [
            _cells(checkpoint, checkpoint.id == best, minute) for checkpoint in self._checkpoints
        ]
        self.table.set_row_count(len(self._rows))
        if cursor and added > 0:
            # New checkpoints come in at the top; the cursor stays on its checkpoint.
            self.table.cursor = cursor + added
        pairs = enumerate(zip(previous_rows, self._rows, strict=False))
        self.table.rows_changed([row for row, (old, new) in pairs if old != new])
        count = number(len(self._rows)) if self._rows else "none yet"
        self.title.show(f"Checkpoints  {count}")


def _best(checkpoints: Sequence[Checkpoint]) -> str | None:
    """The id of the checkpoint with the lowest validation loss; None if none was measured."""
    losses = {
        checkpoint.id: checkpoint.valid_loss
        for checkpoint in checkpoints
        if checkpoint.valid_loss is not None and math.isfinite(checkpoint.valid_loss)
    }
    return min(losses, key=losses.__getitem__, default=None)


def _cells(checkpoint: Checkpoint, is_best: bool, now: float) -> Sequence[Cell]:
    age = ago(max(0.0, now - checkpoint.at)).removesuffix(" ago")
    best: Cell = ("★ best", Tone.GOOD) if is_best else ""
    name = _short(checkpoint.name) if checkpoint.name else "not served by name"
    losses = loss(checkpoint.train_loss), loss(checkpoint.valid_loss)
    return [number(checkpoint.step), *losses, best, age, name]


def _short(name: str) -> str:
    """A model's name without the part that all checkpoints of a job share: `…:ckpt-step-20`."""
    head, colon, tail = name.rpartition(":")
    return preview(f"…:{tail}" if colon and tail and len(head) > 2 else name, 200)
