"""The folder of a job in the workspace: what was requested, and its history, readable offline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote

import orjson
from pydantic import BaseModel

from tui.domain.jobs.record_order import history_order, record_hash
from tui.domain.jobs.records import Record, status_content
from tui.domain.jobs.run import Run
from tui.domain.jobs.view import JobView
from tui.domain.submission.job_request import JobRequest
from tui.services.workspace.files import append_json, explain, json_lines
from tui.services.workspace.log_file import append_after, read_after
from tui.services.workspace.workspace import Workspace, folder_name

LONGEST_ID = 120
_SLICE_SIZE = 256
"""Records parsed at a time: a millisecond or two, during which nothing else can run."""


class JobFile(BaseModel):
    """The file `job.json` of a job's folder."""

    provider: str
    id: str
    created_at: float | None = None
    nonce: str | None = None
    """The mark in the job's metadata by which it was looked up after an unclear failure."""
    request: JobRequest | None = None
    """None for a job that was started elsewhere."""


class JobLog:
    """One job's folder `jobs/<provider>/<id>/`: `job.json` and the append-only `events.jsonl`.

    The log is folded into a view as it is read; reading again costs only what is new. Of each
    record only a hash is stored, by which a duplicate is recognised.
    """

    def __init__(self, workspace: Workspace, provider: str, job: str) -> None:
        """Create a log for a job; reads nothing yet."""
        self.provider = provider
        self.job = job
        self._workspace = workspace
        self._folder = workspace.jobs / folder_name(provider) / folder_name(job)
        self._path = self._folder / "events.jsonl"
        self._run = Run(provider, job)
        self._hashes: set[int] = set()
        self._offset = 0
        self.status: Record = {}
        """The last status; empty before the first."""
        self.newest_at = 0.0
        """Time of the newest record."""

    async def save_job_file(self, file: JobFile) -> None:
        """Write `job.json`.

        Raises:
            FileError: it cannot be written.
        """
        await self._workspace.save(self._folder / "job.json", file)

    async def load_job_file(self) -> JobFile | None:
        """Read `job.json`; None where the job was not created from this workspace.

        Raises:
            FileError: it exists and cannot be read.
        """
        path = self._folder / "job.json"
        if not await asyncio.to_thread(path.exists):
            return None
        return await self._workspace.load(path, JobFile)

    async def claim(self, name: str) -> bool:
        """Create a marker file; False where it already exists, whichever program made it.

        Raises:
            FileError: the marker cannot be written.
        """
        path = self._folder / name
        try:
            return await asyncio.to_thread(_create_exclusively, path)
        except OSError as error:
            raise explain(error, path, "write") from error

    def view(self) -> JobView:
        """The job as far as the log is read."""
        return self._run.view()

    def view_with(self, status: Record) -> JobView:
        """The job with one more status, which is not recorded."""
        return self._run.view_with(status)

    def contains(self, record: Record) -> bool:
        """Whether a record was read or added."""
        return record_hash(record) in self._hashes

    def repeats_status(self, status: Record) -> bool:
        """Whether a status has the content of the last one."""
        return status_content(status) == status_content(self.status)

    def is_quiet(self, now: float, seconds: float) -> bool:
        """Whether the job is running and its last known step is at least that long ago."""
        view = self._run.view()
        if view.status != "running" or view.last_step_at is None:
            return False
        return now + view.clock_ahead - view.last_step_at >= seconds

    async def read(self) -> AsyncGenerator[list[Record], None]:
        """Yield the new records of the log, whoever wrote them, in slices, oldest first.

        After an interrupted read, start again with a new object.

        Raises:
            FileError: the log exists and cannot be read.
        """
        try:
            lines, end = await asyncio.to_thread(read_after, self._path, self._offset)
        except OSError as error:
            raise explain(error, self._path) from error
        if not lines:
            return
        order = await asyncio.to_thread(
            history_order, _parse_in_slices(lines), self._hashes, self.status
        )
        for start in range(0, len(order), _SLICE_SIZE):
            yield await asyncio.to_thread(
                self._parse_and_fold, lines, order[start : start + _SLICE_SIZE]
            )
        self._offset = end

    async def load(self) -> JobView:
        """Read the log to its end and return the job as it was last seen.

        Raises:
            FileError: the log exists and cannot be read.
        """
        async for _ in self.read():
            pass
        return self.view()

    async def records(self) -> list[Record]:
        """Read the new records: each once, oldest first, a terminal status last.

        Raises:
            FileError: the log exists and cannot be read.
        """
        return [record async for records in self.read() for record in records]

    async def append(self, records: list[Record]) -> None:
        """Append records without reading the log.

        Raises:
            FileError: the log cannot be written.
        """
        await append_json(self._path, records)

    async def add(self, records: list[Record]) -> list[Record]:
        """Append the records that are new; returns all new records, those of other programs too.

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
        added: list[Record] = []

        def make_block(lines: list[bytes]) -> bytes:
            added.extend(self._fold_new([_parse(line) for line in lines]))
            own = self._fold_new(records)
            added.extend(own)
            return json_lines(own)

        # `make_block` runs under the lock, so that each record is in the log only once.
        self._offset = append_after(self._path, self._offset, make_block)
        return added

    def _fold_new(self, records: Sequence[Record]) -> list[Record]:
        order = history_order(records, self._hashes, self.status)
        new = [records[index] for index in order]
        self._fold(new)
        return new

    def _parse_and_fold(self, lines: list[bytes], indices: Sequence[int]) -> list[Record]:
        records = [_parse(lines[index]) for index in indices]
        self._fold(records)
        return records

    def _fold(self, records: list[Record]) -> None:
        for record in records:
            self._run.add(record)
            self.newest_at = max(self.newest_at, float(record["at"]))
            if record.get("type") == "status":
                self.status = record


def _create_exclusively(path: Path) -> bool:
    """Create an empty file; False if it exists."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _parse(line: bytes) -> Record:
    """The record of a line; empty for a torn line, which older versions may have left."""
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return record if isinstance(record, dict) else {}


def _parse_in_slices(lines: list[bytes]) -> Iterator[Record]:
    """The records of lines; yields to other threads between slices."""
    for start in range(0, len(lines), _SLICE_SIZE):
        for line in lines[start : start + _SLICE_SIZE]:
            yield _parse(line)
        time.sleep(0)


async def recorded_jobs(workspace: Workspace) -> list[JobLog]:
    """The logs of all jobs in a workspace, not read yet."""
    paths = await asyncio.to_thread(lambda: sorted(workspace.jobs.glob("*/*/events.jsonl")))
    return [
        JobLog(workspace, unquote(path.parent.parent.name), unquote(path.parent.name))
        for path in paths
    ]
