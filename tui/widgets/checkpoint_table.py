"""The checkpoints of a job with their losses, the newest first."""

from __future__ import annotations

import math
from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical

from tui.domain.loop import Tone
from tui.domain.runs import Checkpoint, JobView
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
        self._best: str | None = None
        self._now = 0.0

    def compose(self) -> ComposeResult:
        """Title and table."""
        yield PaneTitle(id="checkpoints-title")
        yield LineTable(_COLUMNS, self._cells, id="job-checkpoints")

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
        newest_first = tuple(reversed(view.checkpoints))
        if newest_first == self._checkpoints and coarse == self._now:
            return
        chosen = self.chosen
        grew = len(newest_first) - len(self._checkpoints)
        self._checkpoints, self._now = newest_first, coarse
        losses = {one.id: one.valid_loss for one in newest_first if one.valid_loss is not None}
        finite = {name: value for name, value in losses.items() if math.isfinite(value)}
        self._best = min(finite, key=finite.__getitem__, default=None)
        self.table.set_row_count(len(newest_first))
        if chosen and self.table.cursor and grew > 0:
            self.table.cursor += grew
        self.table.rows_changed()
        self.title.tell(
            f"Checkpoints  {number(len(newest_first))}" if newest_first else "Checkpoints  none yet"
        )

    def _cells(self, row: int) -> Sequence[Cell]:
        one = self._checkpoints[row]
        age = ago(max(0.0, self._now - one.at)).removesuffix(" ago")
        best: Cell = ("★ best", Tone.GOOD) if one.id == self._best else ""
        name = _short(one.name) if one.name else "not served by name"
        return [number(one.step), loss(one.train_loss), loss(one.valid_loss), best, age, name]


def _short(name: str) -> str:
    """A model's name without what all checkpoints of a job have in common: `…:ckpt-step-20`."""
    head, colon, tail = name.rpartition(":")
    return preview(f"…:{tail}" if colon and tail and len(head) > 2 else name, 200)
