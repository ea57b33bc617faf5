"""Keeping what is known of a file's rows right while a person changes them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from tui.domain.rows.edits import UNTOUCHED, RowEdit
from tui.services.checking.passes import Checked, Line, Look, check_rows
from tui.services.checking.row_relations import Comparison
from tui.services.reading.row_file import RowFile


class Follower:
    """Lets findings follow edits: afterwards they are those of a file written with the edits."""

    def __init__(self, rows: RowFile, look: Look, comparison: Comparison) -> None:
        self._rows = rows
        self._look = replace(look, limit=0)
        self._comparison = comparison
        self._now: dict[int, RowEdit] = {}
        self._busy = threading.Lock()

    def follow(self, rows: Collection[int], edit_of: Callable[[int], RowEdit]) -> None:
        """Look at changed rows anew; for threads, since it reads the file.

        Args:
            rows: the rows that may have changed.
            edit_of: how a row differs from the source.

        Raises:
            OSError: the file cannot be read any more.
        """
        with self._busy:  # the thread of a caller who was cancelled goes on
            edits = {row: edit_of(row) for row in rows}
            rewritten = [row for row, edit in edits.items() if edit.raw != self._raw_known(row)]
            part = self._examine(rewritten, edits)
            self._comparison.follow(edits, rewritten, part)
            self._now |= edits

    def _raw_known(self, row: int) -> bytes | None:
        return self._now.get(row, UNTOUCHED).raw

    def _examine(self, rows: Sequence[int], edits: dict[int, RowEdit]) -> Checked:
        lines = [
            Line(place, self._rows.line(row), self._raw(row, edits[row]))
            for place, row in enumerate(rows)
        ]
        return check_rows(lines, self._look)

    def _raw(self, row: int, edit: RowEdit) -> bytes:
        return self._rows.read(row) if edit.raw is None else edit.raw
