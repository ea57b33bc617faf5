"""Checking a whole file: passes over chunks of rows in worker processes, merged in order."""

from __future__ import annotations

import asyncio
import tempfile
import time
from bisect import bisect_left
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tui.services.checking.findings import Findings
from tui.services.checking.near_comparison import NearComparison
from tui.services.checking.passes import (
    CheckPlan,
    Chunk,
    PassResult,
    Status,
    read_content,
    read_structure,
)
from tui.services.checking.row_relations import RowRelations
from tui.services.checking.workers import run_parts, workers
from tui.services.errors import FileError
from tui.services.progress import row_rate
from tui.services.reading.row_file import RowFile
from tui.services.workspace.files import explain

SMALL = 16 << 20
"""Bytes up to which a file is checked in this process: starting workers would take longer."""
_CHUNK = 4 << 20
_SMALL_CHUNK = 1 << 19


class _Pass(NamedTuple):
    """A pass over all chunks: its name, its share of the total time, and its function."""

    name: str
    share: float
    run: Callable[[CheckPlan, Chunk], PassResult]


_PASSES: Sequence[_Pass] = (
    _Pass("checking structure", 0.05, read_structure),
    _Pass("checking quality and tokens", 0.85, read_content),
)
_READING_ROWS = "reading rows"
_FINDING_DUPLICATES = "finding duplicates"
_FINDING_NEAR_DUPLICATES = "finding near duplicates"
_SHARE_OF_SKETCHES = 0.05
_SHARE_BEFORE_FILES = 0.95


@dataclass(frozen=True, slots=True)
class CheckProgress:
    """The progress of a check.

    Attributes:
        rows: rows read so far.
        checked: rows that passed through the structural pass.
        invalid: rows with an error so far.
        warned: rows with warnings but no error so far.
        share: part of the whole check that is done, 0 to 1.
        seconds: time since the check began.
        label: the pass that runs.
    """

    rows: int
    checked: int
    invalid: int
    warned: int
    share: float
    seconds: float
    label: str = _READING_ROWS

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
        findings: where the results go.
        plan: what is checked; its limit is the number of problems that are listed.
        relations: compares the rows with each other and with other files.
    """

    rows: RowFile
    findings: Findings
    plan: CheckPlan
    relations: RowRelations
    _began: float = field(default_factory=time.monotonic)

    async def run(self) -> AsyncIterator[CheckProgress]:
        """Read and check all rows; `compare_files` finishes the check.

        Yields:
            Progress, chunk by chunk.

        Raises:
            FileError: the file cannot be read, or changed during the check.
        """
        async for _ in find_rows(self.rows):
            yield self._progress(_READING_ROWS, 0.0)
        large = self.rows.data_size > SMALL
        parts = list(chunks(self.rows, _CHUNK if large else _SMALL_CHUNK))
        done = 0.0
        with workers(large) as pool:
            for check_pass in _PASSES:
                run, of_pass = partial(check_pass.run, self.plan), map(self._with_status, parts)
                async for chunk, result in run_parts(pool, self.rows.path, run, of_pass):
                    self._merge(chunk, result)
                    done += check_pass.share * chunk.rows / len(self.rows)
                    yield self._progress(check_pass.name, done)
            yield self._progress(_FINDING_DUPLICATES, done)
            await asyncio.to_thread(self._relate_rows)
            async for share in self._near().within_file(pool):
                sketched = _SHARE_OF_SKETCHES * share
                yield self._progress(_FINDING_NEAR_DUPLICATES, done + sketched)
        if self.rows.changed():
            raise file_changed(self.rows)

    async def compare_files(self) -> AsyncIterator[CheckProgress]:
        """Find rows of the other files in this one and list the problems of relations.

        Yields:
            Progress, the last with a share of 1.

        Raises:
            FileError: a file cannot be read.
        """
        if self.relations.others:
            await asyncio.to_thread(self.relations.find_leaks)
            with workers(self.rows.data_size > SMALL) as pool:
                async for name in self._near().with_others(pool):
                    yield self._progress(f"comparing with the {name} file", _SHARE_BEFORE_FILES)
        await asyncio.to_thread(self._add_relation_problems)
        yield self._progress(_FINDING_DUPLICATES, 1.0)

    def _with_status(self, chunk: Chunk) -> Chunk:
        return replace(chunk, status=bytes(self.findings.own[chunk.row : chunk.row + chunk.rows]))

    def _near(self) -> NearComparison:
        return NearComparison(self.rows, self.findings, self.plan, self.relations)

    def _progress(self, label: str, share: float) -> CheckProgress:
        return CheckProgress(
            len(self.rows),
            len(self.findings.status),
            self.findings.count(Status.INVALID),
            self.findings.count(Status.WARNED),
            share,
            time.monotonic() - self._began,
            label,
        )

    def _merge(self, chunk: Chunk, result: PassResult) -> None:
        if len(result.status) != chunk.rows:
            raise file_changed(self.rows)
        try:
            self.findings.merge(result, chunk.row, self.plan.limit)
        except OSError as error:
            raise explain(error, Path(tempfile.gettempdir()), "write") from error

    def _relate_rows(self) -> None:
        """Find duplicates, contradictions and outliers among all rows."""
        self.findings.sort_codes()
        self.relations.relate_rows()

    def _add_relation_problems(self) -> None:
        """List the problems of relations between rows, up to the limit."""
        for row in self.findings.related_rows():
            if len(self.findings.problems) >= self.plan.limit:
                return
            self.findings.problems += self.relations.problems_of(row)


def chunks(rows: RowFile, size: int) -> Iterator[Chunk]:
    """The rows read so far, in chunks of about `size` bytes."""
    path, first, count = rows.data_path, 0, len(rows)
    while first < count:
        start = rows.start(first)
        after = bisect_left(range(count), start + size, lo=first + 1, key=rows.start)
        yield Chunk(path, start, rows.start(after), rows.line(first), first, after - first)
        first = after


async def find_rows(rows: RowFile) -> AsyncIterator[int]:
    """Scan the whole file for rows, block by block; yields the number of rows so far.

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
