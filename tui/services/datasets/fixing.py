"""Mending rows of an open file where it is certain how: one row, or all with a problem."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tui.domain.fixes.fixes import FIXABLE, fix_row, fix_words
from tui.domain.rows.edits import RowEdit
from tui.services.datasets.datasets import Dataset
from tui.services.workspace.files import explain

_AT_ONCE = 500
"""Rows that are mended before the progress is told."""


@dataclass(frozen=True, slots=True)
class Mended:
    """The rows that have a problem, as far as they were looked at.

    Attributes:
        doing: what the fix does.
        rows: how many have the problem.
        looked_at: how many of them were looked at.
        after: how those become that have a certain fix, by row.
        seconds: time since the first of them.
    """

    doing: str
    rows: int
    looked_at: int
    after: Mapping[int, RowEdit]
    seconds: float

    @property
    def share(self) -> float:
        """Part of the rows that was looked at, 0 to 1."""
        return self.looked_at / self.rows if self.rows else 1.0

    @property
    def rows_per_second(self) -> float:
        """Rows looked at a second."""
        return self.looked_at / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Time until the end at this rate; None while nothing is known."""
        rate = self.rows_per_second
        return (self.rows - self.looked_at) / rate if rate else None


def mended_row(dataset: Dataset, row: int, code: str, raw: bytes) -> RowEdit | None:
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


async def mended_rows(dataset: Dataset, code: str) -> AsyncIterator[Mended]:
    """Look for certain fixes of all rows that have a problem; nothing is changed by it.

    Yields:
        Progress, the last with all rows looked at.

    Raises:
        FileError: the file cannot be read any more.
    """
    rows, words, began = dataset.rows_with(code), fix_words(code) or code, time.monotonic()
    after: dict[int, RowEdit] = {}
    for first in range(0, len(rows), _AT_ONCE):
        yield Mended(words, len(rows), first, after, time.monotonic() - began)
        some = rows[first : first + _AT_ONCE]
        after |= await asyncio.to_thread(dict, _mended(dataset, some, code))
    yield Mended(words, len(rows), len(rows), after, time.monotonic() - began)


async def mend(dataset: Dataset, codes: Collection[str]) -> AsyncIterator[Mended]:
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
            async for found in mended_rows(dataset, code):
                yield found
            words = f"{found.doing}, all rows with {code}"
            changing |= await dataset.change(words, found.after) is not None


def _mended(dataset: Dataset, rows: Sequence[int], code: str) -> Iterator[tuple[int, RowEdit]]:
    for row in rows:
        try:
            raw = dataset.current_raw(row)
        except OSError as error:
            raise explain(error, dataset.path) from error
        edit = mended_row(dataset, row, code, raw)
        if edit:
            yield row, edit
