"""Jobs that are being created: noted before a server is asked, so that none is lost or doubled."""

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
    """A job that may have been created, or not.

    Attributes:
        nonce: the mark in its metadata.
        request: what was wanted.
        asked: whether the server was asked to create it.
        marked: whether it was asked with the mark; a server may refuse metadata.
        told: whether a person was told already that its creation is not certain.
    """

    nonce: str
    request: JobRequest
    asked: bool = False
    marked: bool = True
    told: bool = False


class PendingFile:
    """The record of one pending job. Who has it open holds a lock on it, and is at work on it."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._file = file

    async def note(self, job: PendingJob) -> None:
        """Note how the job stands; it is on the disk at the end.

        Raises:
            FileError: it cannot be written.
        """
        try:
            await asyncio.to_thread(self._append, job.model_dump_json().encode() + b"\n")
        except OSError as error:
            raise explain(error, self._path, "write") from error

    async def note_told(self) -> None:
        """Note that a person was told that the creation is not certain.

        Raises:
            FileError: it cannot be written.
        """
        job = await asyncio.to_thread(self.latest)
        if job:
            await self.note(job.model_copy(update={"told": True}))

    def _append(self, line: bytes) -> None:
        self._file.seek(0, os.SEEK_END)
        self._file.write(line)
        self._file.flush()
        os.fsync(self._file.fileno())

    def latest(self) -> PendingJob | None:
        """How the job stood at last; None where nothing whole is there.

        Raises:
            OSError: the file cannot be read.
        """
        self._file.seek(0)
        for line in reversed(self._file.read().split(b"\n")):
            try:
                return PendingJob.model_validate_json(line)
            except ValidationError:  # torn by a crash, or the nothing after the last line
                continue
        return None

    def forget(self) -> None:
        """Remove the record: it is known what became of the job."""
        self._path.unlink(missing_ok=True)


@asynccontextmanager
async def begin(workspace: Workspace, job: PendingJob) -> AsyncIterator[PendingFile]:
    """A record for a new job, held until the end of the block.

    Raises:
        FileError: it cannot be made.
    """
    path = workspace.pending / f"{job.nonce}.jsonl"
    line = job.model_dump_json().encode() + b"\n"
    try:
        file = await asyncio.to_thread(_made, path, line)
    except OSError as error:
        raise explain(error, path, "write") from error
    with file:
        yield PendingFile(path, file)


@asynccontextmanager
async def left(workspace: Workspace) -> AsyncIterator[list[tuple[PendingFile, PendingJob]]]:
    """The records of jobs on which nobody works any more, held until the end of the block.

    Raises:
        FileError: one cannot be read.
    """
    with ExitStack() as held:
        try:
            yield await asyncio.to_thread(_left, workspace.pending, held)
        except OSError as error:
            raise explain(error, workspace.pending) from error


def _made(path: Path, line: bytes) -> BinaryIO:
    """A record that is locked and written before anybody can find it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden = path.with_suffix(".new")
    file = hidden.open("x+b")
    fcntl.flock(file, fcntl.LOCK_EX)
    file.write(line)
    file.flush()
    os.fsync(file.fileno())
    hidden.rename(path)
    return file


def _left(folder: Path, held: ExitStack) -> list[tuple[PendingFile, PendingJob]]:
    found = []
    for path in sorted(folder.glob("*.jsonl")):
        try:
            file = held.enter_context(path.open("r+b"))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, FileNotFoundError):  # somebody is at work on it, or was just now
            continue
        record = PendingFile(path, file)
        job = record.latest()
        if job:
            found.append((record, job))
        else:
            record.forget()
    return found
