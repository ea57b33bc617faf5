"""What was seen of each job, kept in the workspace: shown offline for ever."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import unquote

from pydantic import BaseModel

from tui.domain.jobs.records import Record
from tui.domain.jobs.view import JobView
from tui.domain.submission.job_request import JobRequest
from tui.services.workspace.files import append_json, explain
from tui.services.workspace.job_history import JobHistory
from tui.services.workspace.workspace import Workspace, folder_name

LONGEST_ID = 120


class JobFile(BaseModel):
    """The file `job.json` of a job's folder."""

    provider: str
    id: str
    created_at: float | None = None
    nonce: str | None = None
    """The mark in the job's metadata by which it was looked up after an unclear failure."""
    request: JobRequest | None = None
    """What was asked for; None for a job that was started elsewhere."""


class JobLog:
    """One job's folder `jobs/<provider>/<id>/`: `job.json` and the append-only `events.jsonl`."""

    def __init__(self, workspace: Workspace, provider: str, job: str) -> None:
        self.provider = provider
        self.job = job
        self._workspace = workspace
        self._folder = workspace.jobs / folder_name(provider) / folder_name(job)
        self._events = self._folder / "events.jsonl"

    async def created(self, file: JobFile) -> None:
        """Keep what was asked for.

        Raises:
            FileError: it cannot be written.
        """
        await self._workspace.save(self._folder / "job.json", file)

    async def file(self) -> JobFile | None:
        """What was asked for; None where this workspace never asked.

        Raises:
            FileError: it is there and cannot be read.
        """
        path = self._folder / "job.json"
        if not await asyncio.to_thread(path.exists):
            return None
        return await self._workspace.load(path, JobFile)

    async def claim(self, name: str) -> bool:
        """Mark something of the job as done; False where it was marked before, by any program.

        Raises:
            FileError: the mark cannot be written.
        """
        path = self._folder / name
        try:
            return await asyncio.to_thread(_make_first, path)
        except OSError as error:
            raise explain(error, path, "write") from error

    async def append(self, records: list[Record]) -> None:
        """Add what was seen.

        Raises:
            FileError: the log cannot be written.
        """
        await append_json(self._events, records)

    def history(self) -> JobHistory:
        """What was seen, to be read."""
        return JobHistory(self.provider, self.job, self._events)

    async def records(self) -> list[Record]:
        """What was seen, each once, oldest first, a terminal status last.

        Raises:
            FileError: the log is there and cannot be read.
        """
        return [record async for records in self.history().read() for record in records]

    async def view(self) -> JobView:
        """How the job stood when it was last seen.

        Raises:
            FileError: the log is there and cannot be read.
        """
        history = self.history()
        async for _ in history.read():
            pass
        return history.view()


def _make_first(path: Path) -> bool:
    """Make an empty file; whether it was not there before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


async def recorded_jobs(workspace: Workspace) -> list[JobLog]:
    """The logs of all jobs that this workspace has seen."""
    found = await asyncio.to_thread(lambda: sorted(workspace.jobs.glob("*/*/events.jsonl")))
    return [
        JobLog(workspace, unquote(path.parent.parent.name), unquote(path.parent.name))
        for path in found
    ]
