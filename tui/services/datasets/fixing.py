"""Fixing rows of an open file where the fix is certain: one row, or all with a problem."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tui.domain.fixes.fixes import FIXABLE, describe_fix, fix_row
from tui.domain.rows.edits import RowEdit
from tui.services.datasets.datasets import Dataset
from tui.services.progress import RowProgress
from tui.services.workspace.files import explain

_BATCH = 500
"""Rows between two reports of progress."""


@dataclass(frozen=True, slots=True)
class FixProgress(RowProgress):
    """Progress over the rows that have a problem; its label is what the fix does.

    Attributes:
        edits: the edits that fix the rows, by row; rows without a certain fix have none.
    """

    edits: Mapping[int, RowEdit]


def propose_fix(dataset: Dataset, row: int, code: str, raw: bytes) -> RowEdit | None:
    """The edit that fixes a row, on top of its pending edit; None where no fix is certain.

    Args:
        dataset: the open file.
        row: number of the row.
        code: the problem.
        raw: the row with pending edits.
    """
    pending = dataset.edits.of(row)
    edit = fix_row(raw, code, dataset.format, dataset.options)
    if edit is None:
        return None
    text = pending.raw if edit.raw is None else edit.raw
    return RowEdit(text, edit.excluded or pending.excluded)


async def propose_fixes(dataset: Dataset, code: str) -> AsyncIterator[FixProgress]:
    """Find the fixes of all rows that have a problem; nothing is changed.

    Yields:
        Progress, the last with all edits.

    Raises:
        FileError: the file cannot be read any more.
    """
    rows, label, began = dataset.rows_with(code), describe_fix(code) or code, time.monotonic()
    edits: dict[int, RowEdit] = {}
    for first in range(0, len(rows), _BATCH):
        yield FixProgress(label, len(rows), first, time.monotonic() - began, edits)
        batch = rows[first : first + _BATCH]
        edits |= await asyncio.to_thread(dict, _edits_of(dataset, batch, code))
    yield FixProgress(label, len(rows), len(rows), time.monotonic() - began, edits)


async def apply_fixes(dataset: Dataset, codes: Collection[str]) -> AsyncIterator[FixProgress]:
    """Fix rows with any of the problems, one undo step per problem, until no fix is left.

    A fix can uncover further problems, as in a row that was not JSON.

    Args:
        dataset: an open file that was checked.
        codes: codes of the problems.

    Raises:
        FileError: the file cannot be read any more.
    """
    changed = True
    while changed:
        changed = False
        for code in filter(codes.__contains__, FIXABLE):
            async for progress in propose_fixes(dataset, code):
                yield progress
            label = f"{progress.label}, all rows with {code}"
            changed |= await dataset.change(label, progress.edits) is not None


def _edits_of(dataset: Dataset, rows: Sequence[int], code: str) -> Iterator[tuple[int, RowEdit]]:
    for row in rows:
        try:
            raw = dataset.current_raw(row)
        except OSError as error:
            raise explain(error, dataset.path) from error
        edit = propose_fix(dataset, row, code, raw)
        if edit:
            yield row, edit
