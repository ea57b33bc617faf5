"""The reports of a worker, one JSON object per line in `events.jsonl`, and their writer."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, BinaryIO, Literal, Protocol

from pydantic import BaseModel, Field, TypeAdapter

Level = Literal["info", "warn", "error"]


class JobError(BaseModel):
    """Why a job failed, as OpenAI's job carries it."""

    code: str
    message: str
    param: str | None = None


class Message(BaseModel):
    """A message for the person who watches the job."""

    kind: Literal["message"] = "message"
    at: float = Field(default_factory=time.time)
    level: Level = "info"
    message: str
    data: dict[str, int | float | str] = {}
    """The values in it, for programs: `memory` in bytes, `device`."""


class Resolved(BaseModel):
    """The resolved hyperparameters, once the worker knows the data and the machine."""

    kind: Literal["resolved"] = "resolved"
    at: float = Field(default_factory=time.time)
    hyperparameters: dict[str, Any]
    total_steps: int
    trains_on: str | None = None
    """Device and precision, such as `cpu in bf16`."""


class Metrics(BaseModel):
    """The metrics of one step, under OpenAI's names where it has one."""

    kind: Literal["metrics"] = "metrics"
    at: float = Field(default_factory=time.time)
    step: int
    data: dict[str, int | float]


class Checkpoint(BaseModel):
    """A checkpoint is complete on disk."""

    kind: Literal["checkpoint"] = "checkpoint"
    at: float = Field(default_factory=time.time)
    step: int
    metrics: dict[str, int | float]


class End(BaseModel):
    """The worker's last report; a worker that is gone without one has crashed."""

    kind: Literal["end"] = "end"
    at: float = Field(default_factory=time.time)
    status: Literal["succeeded", "failed", "cancelled", "paused"]
    error: JobError | None = None
    trained_tokens: int | None = None
    result_files: list[str] = []
    """Names of files in the job's results folder that clients may download."""


Report = Annotated[Message | Resolved | Metrics | Checkpoint | End, Field(discriminator="kind")]
_ADAPTER: TypeAdapter[Report] = TypeAdapter(Report)


def read_report(line: bytes) -> Report:
    """Parse one line.

    Raises:
        ValueError: it is not a report.
    """
    return _ADAPTER.validate_json(line)


class Reporter(Protocol):
    """Receives a worker's reports."""

    def write(self, report: BaseModel) -> None:
        """Write one report."""

    def write_message(self, message: str, level: Level = "info") -> None:
        """Write a message."""


class NullReporter:
    """Discards reports: of the processes that train one job, only the main one reports."""

    def write(self, report: BaseModel) -> None:
        """Write one report."""

    def write_message(self, message: str, level: Level = "info") -> None:
        """Write a message."""


class ReportWriter:
    """Appends reports to the event file; a line torn by a crash is dropped at the next start.

    The server reads complete lines only, so nobody has seen a torn line.
    """

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("ab+", buffering=0)
        self._drop_torn_line()

    def _drop_torn_line(self) -> None:
        end = self._file.seek(0, os.SEEK_END)
        start = max(0, end - 1_048_576)
        self._file.seek(start)
        tail = self._file.read(end - start)
        complete = tail.rfind(b"\n") + 1
        if complete < len(tail):
            self._file.truncate(start + complete)

    def write(self, report: BaseModel) -> None:
        """Append one report; a `Checkpoint` or `End` is flushed to disk before this returns.

        Raises:
            OSError: it cannot be written.
        """
        line = report.model_dump_json().encode() + b"\n"
        end = self._file.seek(0, os.SEEK_END)
        if self._file.write(line) != len(line):
            # A disk that fills up may take part of a line without an error.
            self._file.truncate(end)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if isinstance(report, End | Checkpoint):
            os.fsync(self._file.fileno())

    def write_message(self, message: str, level: Level = "info") -> None:
        """Append a message."""
        self.write(Message(message=message, level=level))

    def __enter__(self) -> ReportWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
