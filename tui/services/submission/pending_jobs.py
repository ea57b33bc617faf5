"""Records of jobs being created, written first so that none is lost or created twice."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import BinaryIO

from pydantic import BaseModel, ValidationError

from tui.domain.submission.job_request import JobRequest
from tui.services.workspace.files import explain
from tui.services.workspace.workspace import Workspace


class PendingJob(BaseModel):
    """A job that may or may not have been created.

    Attributes:
        nonce: the mark in its metadata.
        request: the job.
        asked: whether the request was sent.
        marked: whether it was sent with the mark; a server may reject metadata.
        told: whether the uncertainty was reported to the user.
    """

    nonce: str
    request: JobRequest
    asked: bool = False
    marked: bool = True
    told: bool = False


class PendingFile:
    """The record of one pending job, locked by the process that creates the job."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._file = file

    async def append(self, job: PendingJob) -> None:
        """Write the state of the job to disk.

        Raises:
            FileError: it cannot be written.
        """
        try:
            await asyncio.to_thread(self._write, job.model_dump_json().encode() + b"\n")
        except OSError as error:
            raise explain(error, self._path, "write") from error

    async def mark_reported(self) -> None:
        """Record that the uncertainty was reported to the user.

        Raises:
            FileError: it cannot be written.
        """
        job = await asyncio.to_thread(self.latest)
        if job:
            await self.append(job.model_copy(update={"told": True}))

    def _write(self, line: bytes) -> None:
        self._file.seek(0, os.SEEK_END)
        self._file.write(line)
        self._file.flush()
        os.fsync(self._file.fileno())

    def latest(self) -> PendingJob | None:
        """The last state of the job; None if there is no complete line.

        Raises:
            OSError: the file cannot be read.
        """
        self._file.seek(0)
        for line in reversed(self._file.read().split(b"\n")):
            try:
                return PendingJob.model_validate_json(line)
            except ValidationError:  # truncated by a crash, or the empty end
                continue
        return None

    def delete(self) -> None:
        """Remove the record: the outcome is known."""
        self._path.unlink(missing_ok=True)


@asynccontextmanager
async def open_record(workspace: Workspace, job: PendingJob) -> AsyncIterator[PendingFile]:
    """Create and lock the record of a new job for the duration of the block.

    Raises:
        FileError: it cannot be created.
    """
    path = workspace.pending / f"{job.nonce}.jsonl"
    line = job.model_dump_json().encode() + b"\n"
    try:
        file = await asyncio.to_thread(_create_locked, path, line)
    except OSError as error:
        raise explain(error, path, "write") from error
    with file:
        yield PendingFile(path, file)


@asynccontextmanager
async def abandoned_jobs(
    workspace: Workspace,
) -> AsyncIterator[list[tuple[PendingFile, PendingJob]]]:
    """Lock the records that no running process holds, for the duration of the block.

    Raises:
        FileError: one cannot be read.
    """
    with ExitStack() as stack:
        try:
            yield await asyncio.to_thread(_lock_abandoned, workspace.pending, stack)
        except OSError as error:
            raise explain(error, workspace.pending) from error


def _create_locked(path: Path, line: bytes) -> BinaryIO:
    """Write and lock the record under another name, so that no process finds it unlocked."""
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden = path.with_suffix(".new")
    file = hidden.open("x+b")
    fcntl.flock(file, fcntl.LOCK_EX)
    file.write(line)
    file.flush()
    os.fsync(file.fileno())
    hidden.rename(path)
    return file


def _lock_abandoned(folder: Path, stack: ExitStack) -> list[tuple[PendingFile, PendingJob]]:
    abandoned = []
    for path in sorted(folder.glob("*.jsonl")):
        try:
            file = stack.enter_context(path.open("r+b"))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, FileNotFoundError):  # another process holds it, or just deleted it
            continue
        record = PendingFile(path, file)
        job = record.latest()
        if job:
            abandoned.append((record, job))
        else:
            record.delete()
    return abandoned
