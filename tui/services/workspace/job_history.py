"""A job's log, read on: what it holds as a run, and what is new in it since the last look."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from pathlib import Path

import orjson

from tui.domain.jobs.record_order import mark_of, order_of
from tui.domain.jobs.records import Record, status_says
from tui.domain.jobs.run import Run
from tui.domain.jobs.view import JobView
from tui.services.workspace.files import explain, json_lines
from tui.services.workspace.log_file import append_after, read_after

_SLICE = 256
"""Records that are read in one go: a millisecond or two, in which nothing else may run."""


class JobHistory:
    """What a log holds, folded as it is read; reading on costs what is new and no more.

    Of the records only a number each is kept, by which it is known again.
    """

    def __init__(self, provider: str, job: str, path: Path) -> None:
        """Know a log; nothing is read.

        Args:
            provider: whose job it is.
            job: its id.
            path: the log.
        """
        self._path = path
        self._run = Run(provider, job)
        self._seen: set[int] = set()
        self._offset = 0
        self.status: Record = {}
        """The last status; empty before the first."""
        self.newest = 0.0
        """Time of the newest record."""

    def view(self) -> JobView:
        """The job as far as the log is read."""
        return self._run.view()

    def view_with(self, status: Record) -> JobView:
        """The same job with a status that is not kept."""
        return self._run.view_with(status)

    def knows(self, record: Record) -> bool:
        """Whether a record was read or added."""
        return mark_of(record) in self._seen

    def says_the_same(self, status: Record) -> bool:
        """Whether a status tells nothing that the last one did not."""
        return status_says(status) == status_says(self.status)

    def is_quiet(self, now: float, seconds: float) -> bool:
        """Whether the last step that is known of a running job is so long ago."""
        view = self._run.view()
        if view.status != "running" or view.last_step_at is None:
            return False
        return now + view.clock_ahead - view.last_step_at >= seconds

    async def read(self) -> AsyncGenerator[list[Record], None]:
        """Read what is new in the log, whoever wrote it; yields it in slices, oldest first.

        Raises:
            FileError: the log is there and cannot be read.
        """
        try:
            lines, end = await asyncio.to_thread(read_after, self._path, self._offset)
        except OSError as error:
            raise explain(error, self._path) from error
        if not lines:
            return
        order = await asyncio.to_thread(order_of, _in_slices(lines), self._seen, self.status)
        for begin in range(0, len(order), _SLICE):
            yield await asyncio.to_thread(self._take, lines, order[begin : begin + _SLICE])
        self._offset = end

    async def add(self, records: list[Record]) -> list[Record]:
        """Append those records that are new; gives what is new in the log, of others too.

        Raises:
            FileError: the log cannot be written.
        """
        if not records:
            return []
        try:
            return await asyncio.to_thread(self._add, records)
        except OSError as error:
            raise explain(error, self._path, "write") from error

    def _add(self, records: list[Record]) -> list[Record]:
        told: list[Record] = []

        def make(lines: list[bytes]) -> bytes:
            others = [_record(line) for line in lines]
            told.extend(self._new(others))
            ours = self._new(records)
            told.extend(ours)
            return json_lines(ours)

        # The lock that is held while this runs makes each record stand in the log once.
        self._offset = append_after(self._path, self._offset, make)
        return told

    def _new(self, records: Sequence[Record]) -> list[Record]:
        new = [records[index] for index in order_of(records, self._seen, self.status)]
        self._fold(new)
        return new

    def _take(self, lines: list[bytes], indices: Sequence[int]) -> list[Record]:
        records = [_record(lines[index]) for index in indices]
        self._fold(records)
        return records

    def _fold(self, records: list[Record]) -> None:
        for record in records:
            self._run.add(record)
            self.newest = max(self.newest, float(record["at"]))
            if record.get("type") == "status":
                self.status = record


def _record(line: bytes) -> Record:
    """A line of a log; empty where it is none, as after a crash of an older version."""
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return record if isinstance(record, dict) else {}


def _in_slices(lines: list[bytes]) -> Iterator[Record]:
    """The records of lines; between two slices the event loop gets its turn."""
    for begin in range(0, len(lines), _SLICE):
        for line in lines[begin : begin + _SLICE]:
            yield _record(line)
        time.sleep(0)
