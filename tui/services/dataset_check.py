"""Checking a whole file: passes over chunks of rows in worker processes, merged in order."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, field
from typing import NamedTuple

from tui.domain.examples import Format
from tui.domain.problems import Problem, problem
from tui.domain.rules import check_count
from tui.domain.text import number
from tui.services.errors import FileError
from tui.services.files import explain
from tui.services.row_checks import (
    Checked,
    Chunk,
    Status,
    check_content,
    check_structure,
    ignore_interrupt,
)
from tui.services.row_file import RowFile

SMALL = 16 << 20
"""Files up to so many bytes are checked in this process; starting others would take longer."""
_CHUNK = 4 << 20
_SMALL_CHUNK = 1 << 19

Pass = Callable[[Chunk, int], Checked]

_PASSES: Sequence[tuple[Pass, float]] = ((check_structure, 0.1), (check_content, 0.9))
"""The passes, and what part of the time each takes."""


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
    """

    rows: int
    checked: int
    invalid: int
    warned: int
    share: float
    seconds: float

    @property
    def rows_per_second(self) -> float:
        """Rows checked a second, over all passes."""
        return self.rows * self.share / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Time until the end at this rate; None while nothing is known."""
        return self.seconds * (1 - self.share) / self.share if self.share > 0.01 else None


class _Part(NamedTuple):
    """A chunk, its first row and the row after its last."""

    chunk: Chunk
    first: int
    end: int


@dataclass
class Findings:
    """What is known of a file's rows; grows while the check runs.

    Attributes:
        status: one byte a row, of `Status`.
        problems: row problems, in order of pass and row, as many as are kept.
        codes: how often each code was found.
        duplicates: row -> the first row that says the same.
        leaks: row -> line of the other file that says the same.
        tokens: in all rows without errors.
    """

    status: bytearray = field(default_factory=bytearray)
    problems: list[Problem] = field(default_factory=list)
    codes: Counter[str] = field(default_factory=Counter)
    duplicates: dict[int, int] = field(default_factory=dict)
    leaks: dict[int, int] = field(default_factory=dict)
    tokens: int = 0

    def merge(self, part: Checked, first: int, keep: int) -> None:
        """Add what a pass found in the rows from `first` on."""
        end = first + len(part.status)
        self.status += bytes(max(0, end - len(self.status)))
        now = self.status[first:end]
        self.status[first:end] = bytes(map(max, now, part.status)) if any(now) else part.status
        self.codes += part.codes
        self.tokens += part.tokens
        self.keep(part.problems, keep)

    def keep(self, problems: list[Problem], limit: int) -> None:
        """Keep problems as far as the limit goes."""
        self.problems += problems[: max(0, limit - len(self.problems))]

    def flag(self, row: int, found: Problem, limit: int) -> None:
        """Add a problem that only a look over all rows finds."""
        worst = Status.INVALID if found.severity == "error" else Status.WARNED
        self.status[row] = max(self.status[row], worst)
        self.codes[found.code] += 1
        self.keep([found], limit)

    def count(self, status: Status) -> int:
        """Number of rows that stand so."""
        return self.status.count(status)


async def run_check(
    rows: RowFile,
    kind: Format,
    found: Findings,
    *,
    keep: int,
    others: dict[int, int] | None = None,
) -> AsyncIterator[CheckProgress]:
    """Find and check all rows of a file.

    Args:
        rows: the open file.
        kind: its format.
        found: what is filled.
        keep: row problems to keep; the numbers count all of them.
        others: fingerprint -> line of the rows that must not stand in this file.

    Yields:
        Progress, at most a few times a second and at each end of a pass.

    Raises:
        FileError: the file cannot be read, or changed meanwhile.
    """
    began = time.monotonic()

    def progress(share: float, checked: int | None = None) -> CheckProgress:
        return CheckProgress(
            len(rows),
            len(found.status) if checked is None else checked,
            found.count(Status.INVALID),
            found.count(Status.WARNED),
            share,
            time.monotonic() - began,
        )

    async for _ in find_rows(rows):
        yield progress(0.0, 0)
    parts = list(_parts(rows, kind))
    prints: list[Checked] = []
    done = 0.0
    with _workers(rows.size) as workers:
        for run, weight in _PASSES:
            async for part, checked in _run(workers, run, parts, keep):
                if len(checked.status) != part.end - part.first:
                    raise file_changed(rows)
                found.merge(checked, part.first, keep)
                if run is check_content:
                    prints.append(checked)
                done += weight * (part.end - part.first) / len(rows)
                yield progress(done)
    await asyncio.to_thread(_compare, rows, found, prints, others or {}, keep)
    if rows.changed():
        raise file_changed(rows)
    yield progress(1.0)


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


def file_problems(found: Findings, kind: Format, rows: int) -> list[Problem]:
    """Problems of the file as a whole."""
    problems = []
    mixed = found.codes["other-format"]
    if mixed:
        text = f"Rows of another format than {kind}: {number(mixed)} of {number(rows)}."
        problems.append(problem("mixed-formats", None, message=text))
    if kind.convertible:
        text = f"The rows are {kind}, not chat examples yet."
        problems.append(problem("needs-conversion", None, message=text))
    elif kind.trainable:
        problems += check_count(rows)
    return problems


def _parts(rows: RowFile, kind: Format) -> Iterator[_Part]:
    """Chunks of about the same number of bytes, each of whole lines."""
    limit = _CHUNK if rows.size > SMALL else _SMALL_CHUNK
    first = 0
    for row in range(1, len(rows) + 1):
        start, end = rows.start(first), rows.start(row)
        if end - start >= limit or row == len(rows):
            chunk = Chunk(rows.path, start, end, rows.line(first), kind)
            yield _Part(chunk, first, row)
            first = row


@contextmanager
def _workers(size: int) -> Iterator[Executor]:
    """Processes for a large file, one thread for a small one; none is waited for at the end."""
    pool = _processes() if size > SMALL else ThreadPoolExecutor(1)
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _processes() -> Executor:
    """Started processes, one a core."""
    # Loading these takes longer than checking a small file.
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    count = max(1, min(8, os.cpu_count() or 1))
    # New processes inherit stderr by its number; what an app puts in its place has none.
    with redirect_stderr(sys.__stderr__):
        pool = ProcessPoolExecutor(
            count, mp_context=get_context("spawn"), initializer=ignore_interrupt
        )
        pool.submit(os.getpid)
    return pool


async def _run(
    workers: Executor, run: Pass, parts: list[_Part], keep: int
) -> AsyncIterator[tuple[_Part, Checked]]:
    """Run a pass over all chunks, a few at a time; results come in order."""
    ahead = 2 * max(1, min(8, os.cpu_count() or 1))
    waiting: deque[tuple[_Part, Future[Checked]]] = deque()
    coming = iter(parts)
    try:
        while True:
            while len(waiting) < ahead and (part := next(coming, None)):
                waiting.append((part, workers.submit(run, part.chunk, keep)))
            if not waiting:
                return
            part, future = waiting.popleft()
            yield part, await asyncio.wrap_future(future)
    except BrokenExecutor as error:
        raise FileError("A process that checked the file was killed.", "Check it again.") from error
    except OSError as error:
        raise explain(error, parts[0].chunk.path) from error


def _compare(
    rows: RowFile, found: Findings, parts: list[Checked], others: dict[int, int], keep: int
) -> None:
    """Find rows that stand in the file twice, or in the other file too."""
    seen: dict[int, int] = {}
    row = -1
    for part in parts:
        for print_ in part.prints:
            row += 1
            if not print_:
                continue
            first = seen.setdefault(print_, row)
            if first != row:
                found.duplicates[row] = first
            if print_ in others:
                found.leaks[row] = others[print_]
    for row in found.duplicates:
        found.flag(row, duplicate_problem(rows, found, row), keep)
    for row in found.leaks:
        found.flag(row, leak_problem(rows, found, row), keep)


def duplicate_problem(rows: RowFile, found: Findings, row: int) -> Problem:
    """The problem of a row that says the same as an earlier one."""
    text = f"The row says the same as line {rows.line(found.duplicates[row])}."
    return problem("duplicate-row", rows.line(row), message=text)


def leak_problem(rows: RowFile, found: Findings, row: int) -> Problem:
    """The problem of a row that says the same as one of the other file."""
    text = f"The row stands in the validation file too, on line {found.leaks[row]}."
    return problem("leaked-row", rows.line(row), message=text)
