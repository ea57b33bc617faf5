"""Checking a whole file: passes over chunks of rows in worker processes, merged in order."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import dataclass, field
from typing import NamedTuple

from tui.services.check_workers import worker_count, workers
from tui.services.errors import FileError
from tui.services.files import explain
from tui.services.findings import Comparison, Findings
from tui.services.row_checks import Checked, Chunk, Look, Status, read_content, read_structure
from tui.services.row_file import RowFile

SMALL = 16 << 20
"""Files up to so many bytes are checked in this process; starting others would take longer."""
_CHUNK = 4 << 20
_SMALL_CHUNK = 1 << 19


class _Pass(NamedTuple):
    """A pass over all chunks: its name, what part of the time it takes, and what runs."""

    name: str
    share: float
    run: Callable[[Chunk, Look], Checked]


READING = "rows"
COMPARING = "duplicates"
_PASSES: Sequence[_Pass] = (
    _Pass("structure", 0.1, read_structure),
    _Pass("quality and tokens", 0.8, read_content),
)


@dataclass(frozen=True, slots=True)
class CheckProgress:
    """How far a check is.

    Attributes:
        rows: rows found so far.
        checked: rows the structural pass has seen.
        invalid: rows with an error so far.
        warned: rows with nothing worse than a warning so far.
        share: part of all work that is done, 0 to 1.
        seconds: time since the start.
        doing: name of the pass that runs.
    """

    rows: int
    checked: int
    invalid: int
    warned: int
    share: float
    seconds: float
    doing: str = READING

    @property
    def rows_per_second(self) -> float:
        """Rows checked a second, over all passes."""
        return self.rows * self.share / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Time until the end at this rate; None while nothing is known."""
        return self.seconds * (1 - self.share) / self.share if self.share > 0.01 else None


@dataclass
class Check:
    """One check of a file.

    Attributes:
        rows: the open file.
        found: what is filled.
        look: how rows are looked at; its limit is how many problems are kept in words.
        comparison: looks at all rows together.
    """

    rows: RowFile
    found: Findings
    look: Look
    comparison: Comparison
    _began: float = field(default_factory=time.monotonic)

    async def run(self) -> AsyncIterator[CheckProgress]:
        """Find and check all rows.

        Yields:
            Progress: for each part of a pass, and at the end.

        Raises:
            FileError: the file cannot be read, or changed meanwhile.
        """
        async for _ in find_rows(self.rows):
            yield self._progress(READING, 0.0)
        large = self.rows.size > SMALL
        parts = list(chunks(self.rows, _CHUNK if large else _SMALL_CHUNK))
        done = 0.0
        with workers(large) as pool:
            for one in _PASSES:
                async for part, checked in self._run(pool, one, parts):
                    self._merge(part, checked)
                    done += one.share * part.rows / len(self.rows)
                    yield self._progress(one.name, done)
        yield self._progress(COMPARING, done)
        await asyncio.to_thread(self._compare)
        if self.rows.changed():
            raise file_changed(self.rows)
        yield self._progress(COMPARING, 1.0)

    def _progress(self, doing: str, share: float) -> CheckProgress:
        return CheckProgress(
            len(self.rows),
            len(self.found.status),
            self.found.count(Status.INVALID),
            self.found.count(Status.WARNED),
            share,
            time.monotonic() - self._began,
            doing,
        )

    def _merge(self, part: Chunk, checked: Checked) -> None:
        if len(checked.status) != part.rows:
            raise file_changed(self.rows)
        self.found.merge(checked, part.row, self.look.limit)

    async def _run(
        self, pool: Executor, one: _Pass, parts: list[Chunk]
    ) -> AsyncIterator[tuple[Chunk, Checked]]:
        """Run a pass over all chunks, a few at a time; results come in order."""
        waiting: deque[tuple[Chunk, Future[Checked]]] = deque()
        coming = iter(parts)
        try:
            while True:
                while len(waiting) < 2 * worker_count() and (part := next(coming, None)):
                    waiting.append((part, pool.submit(one.run, part, self.look)))
                if not waiting:
                    return
                part, future = waiting.popleft()
                yield part, await asyncio.wrap_future(future)
        except BrokenExecutor as error:
            raise FileError(
                "A process that checked the file was killed.", "Check it again."
            ) from error
        except OSError as error:
            raise explain(error, self.rows.path) from error

    def _compare(self) -> None:
        """Look at all rows together: who says or asks the same."""
        self.found.settle()
        self.comparison.whole()
        for row in self.found.linked_rows():
            if len(self.found.problems) >= self.look.limit:
                return
            self.found.problems += self.comparison.problems_of(row)


def chunks(rows: RowFile, size: int) -> Iterator[Chunk]:
    """The known rows in parts of about so many bytes."""
    first, count = 0, len(rows)
    while first < count:
        start = rows.start(first)
        after = bisect_left(range(count), start + size, lo=first + 1, key=rows.start)
        yield Chunk(rows.path, start, rows.start(after), rows.line(first), first, after - first)
        first = after


async def find_rows(rows: RowFile) -> AsyncIterator[int]:
    """Look through the whole file for rows, block by block; yields how many there are so far.

    Raises:
        FileError: the file cannot be read, or was cut short meanwhile.
    """
    try:
        while not rows.complete and await asyncio.to_thread(rows.scan):
            yield len(rows)
    except OSError as error:
        raise explain(error, rows.path) from error
    if rows.cut_short:
        raise file_changed(rows)


def file_changed(rows: RowFile) -> FileError:
    """The error of a file that is no longer the one that was opened."""
    return FileError(f"{rows.path} changed while it was read.", "Open it again.")
