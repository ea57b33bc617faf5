"""Checking rows again while the user edits them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from tui.domain.rows.edits import UNTOUCHED, RowEdit
from tui.services.checking.passes import CheckPlan, Line, PassResult, check_rows
from tui.services.checking.row_relations import RowRelations
from tui.services.reading.row_file import RowFile


class IncrementalCheck:
    """Updates findings after edits, so that they equal those of a file written with the edits."""

    def __init__(self, rows: RowFile, plan: CheckPlan, relations: RowRelations) -> None:
        self._rows = rows
        self._plan = replace(plan, limit=0)
        self._relations = relations
        self._edits: dict[int, RowEdit] = {}
        self._lock = threading.Lock()

    def update(self, rows: Collection[int], edit_of: Callable[[int], RowEdit]) -> None:
        """Check changed rows again. Reads the file: call it in a thread.

        Args:
            rows: the rows that may have changed.
            edit_of: row -> its edit.

        Raises:
            OSError: the file cannot be read any more.
        """
        with self._lock:  # the thread of a cancelled caller may still run
            edits = {row: edit_of(row) for row in rows}
            rewritten = [row for row, edit in edits.items() if edit.raw != self._checked_raw(row)]
            result = self._check(rewritten, edits)
            self._relations.update(edits, rewritten, result)
            self._edits |= edits

    def _checked_raw(self, row: int) -> bytes | None:
        return self._edits.get(row, UNTOUCHED).raw

    def _check(self, rows: Sequence[int], edits: dict[int, RowEdit]) -> PassResult:
        lines = [
            Line(place, self._rows.line(row), self._raw(row, edits[row]))
            for place, row in enumerate(rows)
        ]
        return check_rows(lines, self._plan)

    def _raw(self, row: int, edit: RowEdit) -> bytes:
        return self._rows.read(row) if edit.raw is None else edit.raw
