"""Mending rows of an open file where it is certain how: one row, or all with a problem."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tui.domain.fixes.fixes import FIXABLE, fix_row, fix_words
from tui.domain.rows.edits import RowEdit
from tui.services.datasets.datasets import Dataset
from tui.services.progress import RowProgress
from tui.services.workspace.files import explain

_AT_ONCE = 500
"""Rows that are mended before the progress is told."""


@dataclass(frozen=True, slots=True)
class FixProgress(RowProgress):
    """Progress over the rows that have a problem; its label is what the fix does.

    Attributes:
        edits: the edits that fix the rows, by row; rows without a certain fix have none.
    """

    edits: Mapping[int, RowEdit]


def propose_fix(dataset: Dataset, row: int, code: str, raw: bytes) -> RowEdit | None:
    """How a row is after a fix, with what was done to it before; None where nothing is certain.

    Args:
        dataset: the open file.
        row: number of the row.
        code: the problem.
        raw: the row as it is now.
    """
    now = dataset.edits.of(row)
    edit = fix_row(raw, code, dataset.format, dataset.options)
    if edit is None:
        return None
    text = now.raw if edit.raw is None else edit.raw
    return RowEdit(text, edit.excluded or now.excluded)


async def propose_fixes(dataset: Dataset, code: str) -> AsyncIterator[FixProgress]:
    """Look for certain fixes of all rows that have a problem; nothing is changed by it.

    Yields:
        Progress, the last with all rows looked at.

    Raises:
        FileError: the file cannot be read any more.
    """
    rows, label, began = dataset.rows_with(code), fix_words(code) or code, time.monotonic()
    edits: dict[int, RowEdit] = {}
    for first in range(0, len(rows), _AT_ONCE):
        yield FixProgress(label, len(rows), first, time.monotonic() - began, edits)
        some = rows[first : first + _AT_ONCE]
        edits |= await asyncio.to_thread(dict, _edits_of(dataset, some, code))
    yield FixProgress(label, len(rows), len(rows), time.monotonic() - began, edits)


async def apply_fixes(dataset: Dataset, codes: Collection[str]) -> AsyncIterator[FixProgress]:
    """Mend rows with any of the problems, a step a problem, until nothing more is certain.

    What is mended can show what could not be seen before, as in a row that was no JSON.

    Args:
        dataset: an open file that was checked.
        codes: the problems.

    Raises:
        FileError: the file cannot be read any more.
    """
    changing = True
    while changing:
        changing = False
        for code in filter(codes.__contains__, FIXABLE):
            async for progress in propose_fixes(dataset, code):
                yield progress
            label = f"{progress.label}, all rows with {code}"
            changing |= await dataset.change(label, progress.edits) is not None


def _edits_of(dataset: Dataset, rows: Sequence[int], code: str) -> Iterator[tuple[int, RowEdit]]:
    for row in rows:
        try:
            raw = dataset.current_raw(row)
        except OSError as error:
            raise explain(error, dataset.path) from error
        edit = propose_fix(dataset, row, code, raw)
        if edit:
            yield row, edit
