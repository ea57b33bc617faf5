"""Checking a whole file: passes over chunks of rows in worker processes, merged in order."""

from __future__ import annotations

import asyncio
import tempfile
import time
from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeVar

from tui.services.checking.findings import LEAK, NEAR_LEAK, Findings
from tui.services.checking.near_duplicate_search import Edges, NearSearch, Texts, search_near
from tui.services.checking.passes import Checked, Chunk, Look, Status, read_content, read_structure
from tui.services.checking.row_links import Links
from tui.services.checking.row_relations import Comparison, OtherFile
from tui.services.checking.workers import worker_count, workers
from tui.services.errors import FileError
from tui.services.progress import row_rate
from tui.services.reading.row_file import RowFile
from tui.services.workspace.files import explain

SMALL = 16 << 20
"""Files up to so many bytes are checked in this process; starting others would take longer."""
_CHUNK = 4 << 20
_SMALL_CHUNK = 1 << 19

Result = TypeVar("Result")


class _Pass(NamedTuple):
    """A pass over all chunks: its name, what part of the time it takes, and what runs."""

    name: str
    share: float
    run: Callable[[Chunk, Look], Checked]


_PASSES: Sequence[_Pass] = (
    _Pass("checking structure", 0.1, read_structure),
    _Pass("checking quality and tokens", 0.7, read_content),
)
_READING = "reading rows"
_COMPARING = "finding duplicates"
_NEAR = "finding near duplicates"
_SHARE_BEFORE_FILES = 0.95
_PAUSE = 0.25
"""Seconds between two tellings of a search that tells nothing itself."""


@dataclass(frozen=True, slots=True)
class CheckProgress:
    """The progress of a check.

    Attributes:
        rows: rows found so far.
        checked: rows the structural pass has seen.
        invalid: rows with an error so far.
        warned: rows with nothing worse than a warning so far.
        share: part of all work that is done, 0 to 1.
        seconds: time since the start.
        label: the pass that runs.
    """

    rows: int
    checked: int
    invalid: int
    warned: int
    share: float
    seconds: float
    label: str = _READING

    @property
    def rate(self) -> str:
        """Rows per second, over all passes."""
        return row_rate(self.rows * self.share, self.seconds)

    @property
    def seconds_left(self) -> float | None:
        """Estimated time to the end; None while it is unknown."""
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
        """Find and check all rows; `compare_files` has the end of it.

        Yields:
            Progress: for each part of a pass.

        Raises:
            FileError: the file cannot be read, or changed meanwhile.
        """
        async for _ in find_rows(self.rows):
            yield self._progress(_READING, 0.0)
        large = self.rows.data_size > SMALL
        parts = list(chunks(self.rows, _CHUNK if large else _SMALL_CHUNK))
        done = 0.0
        with workers(large) as pool:
            for one in _PASSES:
                passing = run_parts(pool, self.rows.path, one.run, parts, self.look)
                async for part, checked in passing:
                    self._merge(part, checked)
                    done += one.share * part.rows / len(self.rows)
                    yield self._progress(one.name, done)
            yield self._progress(_COMPARING, done)
            await asyncio.to_thread(self._compare)
            async for _ in self._search_here(pool):
                yield self._progress(_NEAR, done + 0.1)
        if self.rows.changed():
            raise file_changed(self.rows)

    async def compare_files(self) -> AsyncIterator[CheckProgress]:
        """Look for the rows in the other files, and tell what ties rows; the end of a check.

        Yields:
            Progress, the last with a share of 1.

        Raises:
            FileError: a file cannot be read.
        """
        if self.comparison.others:
            await asyncio.to_thread(self.comparison.whole_files)
            with workers(self.rows.data_size > SMALL) as pool:
                async for name in self._search_there(pool):
                    yield self._progress(f"comparing with the {name} file", _SHARE_BEFORE_FILES)
        await asyncio.to_thread(self._tell_ties)
        yield self._progress(_COMPARING, 1.0)

    def _progress(self, label: str, share: float) -> CheckProgress:
        return CheckProgress(
            len(self.rows),
            len(self.found.status),
            self.found.count(Status.INVALID),
            self.found.count(Status.WARNED),
            share,
            time.monotonic() - self._began,
            label,
        )

    def _merge(self, part: Chunk, checked: Checked) -> None:
        if len(checked.status) != part.rows:
            raise file_changed(self.rows)
        try:
            self.found.merge(checked, part.row, self.look.limit)
        except OSError as error:
            raise explain(error, Path(tempfile.gettempdir()), "write") from error

    def _compare(self) -> None:
        """Look at all rows together: who says or asks the same."""
        self.found.settle()
        self.comparison.whole()

    async def _search_here(self, pool: Executor) -> AsyncIterator[None]:
        """Search for rows that are nearly the same as earlier ones; yields while it waits."""
        if not self.found.sketches:
            return
        search = await asyncio.to_thread(self._near_search, self.found.same)
        async for edges in self._near(pool, search):
            if edges:
                await asyncio.to_thread(self.comparison.put_near, edges)
            yield

    async def _search_there(self, pool: Executor) -> AsyncIterator[str]:
        """Search for rows that are nearly the same as those of other files; yields their names."""
        for name, other in self.comparison.others.items():
            if not (self.found.sketches and other.sketches) or NEAR_LEAK in self.look.options.off:
                continue
            exact = self.found.links_of(LEAK, name)
            search = await asyncio.to_thread(self._near_search, exact, other)
            async for edges in self._near(pool, search):
                if edges:
                    await asyncio.to_thread(self.comparison.put_near_leaks, name, edges)
                yield name

    def _near_search(self, known: Links, other: OtherFile | None = None) -> NearSearch:
        """A search in which rows with errors, or that are known already, are left out."""
        prints = self.found.prints
        return NearSearch(
            self.found.sketches.path,
            texts_of(self.rows, self.look),
            bytes(not print_ or row in known for row, print_ in enumerate(prints)),
            self.look.options.similarity,
            (other.sketches.path, other.texts()) if other else None,
        )

    async def _near(self, pool: Executor, search: NearSearch) -> AsyncIterator[Edges | None]:
        """What a search finds; None again and again before."""
        try:
            future = asyncio.wrap_future(pool.submit(search_near, search))
            while not future.done():
                yield None
                await asyncio.wait({future}, timeout=_PAUSE)
            yield future.result()
        except BrokenExecutor as error:
            raise _killed() from error
        except OSError as error:
            raise explain(error, self.rows.path) from error

    def _tell_ties(self) -> None:
        """Tell what a look over all rows found, as far as problems are kept."""
        for row in self.found.linked_rows():
            if len(self.found.problems) >= self.look.limit:
                return
            self.found.problems += self.comparison.problems_of(row)


async def run_parts(
    pool: Executor,
    path: Path,
    run: Callable[[Chunk, Look], Result],
    parts: Iterable[Chunk],
    look: Look,
) -> AsyncIterator[tuple[Chunk, Result]]:
    """Run something over all parts of a file, a few at a time; results come in order.

    Raises:
        FileError: the file cannot be read, or a process was killed.
    """
    waiting: deque[tuple[Chunk, Future[Result]]] = deque()
    coming = iter(parts)
    try:
        while True:
            while len(waiting) < 2 * worker_count() and (part := next(coming, None)):
                waiting.append((part, pool.submit(run, part, look)))
            if not waiting:
                return
            part, future = waiting.popleft()
            yield part, await asyncio.wrap_future(future)
    except BrokenExecutor as error:
        raise _killed() from error
    except OSError as error:
        raise explain(error, path) from error


def chunks(rows: RowFile, size: int) -> Iterator[Chunk]:
    """The known rows in parts of about so many bytes."""
    path, first, count = rows.data_path, 0, len(rows)
    while first < count:
        start = rows.start(first)
        after = bisect_left(range(count), start + size, lo=first + 1, key=rows.start)
        yield Chunk(path, start, rows.start(after), rows.line(first), first, after - first)
        first = after


def texts_of(rows: RowFile, look: Look) -> Texts:
    """The texts of a file's rows, for another process to read."""
    starts = array("Q", map(rows.start, range(len(rows) + 1)))
    return Texts(rows.data_path, starts, look.kind, look.options)


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


def _killed() -> FileError:
    return FileError("A process that checked the file was killed.", "Check it again.")


def file_changed(rows: RowFile) -> FileError:
    """The error of a file that is no longer the one that was opened."""
    return FileError(f"{rows.path} changed while it was read.", "Open it again.")
