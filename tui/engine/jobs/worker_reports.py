"""What a worker reports, one JSON object a line in `events.jsonl`, and how it is appended."""

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
    """A sentence for the person who watches."""

    kind: Literal["message"] = "message"
    at: float = Field(default_factory=time.time)
    level: Level = "info"
    message: str
    data: dict[str, int | float] = {}
    """The figures in it, for programs."""


class Resolved(BaseModel):
    """What "auto" came to, once the worker knows the data and the machine."""

    kind: Literal["resolved"] = "resolved"
    at: float = Field(default_factory=time.time)
    hyperparameters: dict[str, Any]
    total_steps: int
    trains_on: str | None = None
    """Device and precision, as `cpu in bf16`."""


class Metrics(BaseModel):
    """The figures of one step, under OpenAI's names and more."""

    kind: Literal["metrics"] = "metrics"
    at: float = Field(default_factory=time.time)
    step: int
    data: dict[str, int | float]


class Checkpoint(BaseModel):
    """A checkpoint is whole on the disk."""

    kind: Literal["checkpoint"] = "checkpoint"
    at: float = Field(default_factory=time.time)
    step: int
    metrics: dict[str, int | float]


class End(BaseModel):
    """The worker's last line; without it a worker that is gone has crashed."""

    kind: Literal["end"] = "end"
    at: float = Field(default_factory=time.time)
    status: Literal["succeeded", "failed", "cancelled", "paused"]
    error: JobError | None = None
    trained_tokens: int | None = None
    result_files: list[str] = []
    """Names of the files in the job's folder of results that its clients may download."""


Report = Annotated[Message | Resolved | Metrics | Checkpoint | End, Field(discriminator="kind")]
_ADAPTER: TypeAdapter[Report] = TypeAdapter(Report)


def read_report(line: bytes) -> Report:
    """One line as a report.

    Raises:
        ValueError: it is none.
    """
    return _ADAPTER.validate_json(line)


class Reporter(Protocol):
    """Where a worker's reports go."""

    def write(self, report: BaseModel) -> None:
        """Take one report."""

    def write_message(self, message: str, level: Level = "info") -> None:
        """Take a sentence."""


class NullReporter:
    """Takes reports and keeps none: of several processes that train one job, one reports."""

    def write(self, report: BaseModel) -> None:
        """Take one report."""

    def write_message(self, message: str, level: Level = "info") -> None:
        """Take a sentence."""


class ReportWriter:
    """Appends reports; a line is either wholly there or (after a crash) dropped at the next start.

    The server takes complete lines alone, so a torn last line was never seen by anyone.
    """

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("ab+", buffering=0)
        self._drop_torn_line()

    def _drop_torn_line(self) -> None:
        end = self._file.seek(0, os.SEEK_END)
        begin = max(0, end - 1_048_576)
        self._file.seek(begin)
        tail = self._file.read(end - begin)
        whole = tail.rfind(b"\n") + 1
        if whole < len(tail):
            self._file.truncate(begin + whole)

    def write(self, report: BaseModel) -> None:
        """Append one report; it is on the disk when this returns if it is an `End`.

        Raises:
            OSError: it cannot be written.
        """
        line = report.model_dump_json().encode() + b"\n"
        end = self._file.seek(0, os.SEEK_END)
        if self._file.write(line) != len(line):
            # A disk that fills up takes a part of a line without a word.
            self._file.truncate(end)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if isinstance(report, End | Checkpoint):
            os.fsync(self._file.fileno())

    def write_message(self, message: str, level: Level = "info") -> None:
        """Append a sentence."""
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
