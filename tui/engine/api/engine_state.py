"""The parts of a running server that its routes use, and the dependency that gives them access."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from tui.engine.answering.process import InferenceClient
from tui.engine.api.errors import require_found
from tui.engine.errors import ApiError
from tui.engine.home import Home
from tui.engine.jobs.records import FileRecord, JobRecord, now
from tui.engine.jobs.store import Store
from tui.engine.jobs.supervisor import Supervisor


@dataclass(frozen=True, slots=True)
class Engine:
    """The parts of a running server."""

    home: Home
    socket: Path
    url: str | None
    store: Store
    supervisor: Supervisor
    answering: InferenceClient
    stop: Callable[[], None]
    """Requests the server to end."""
    clock: Callable[[], int] = now
    """Returns the time in Unix seconds."""

    @property
    def token_file(self) -> str | None:
        """Where the token for TCP is; None where TCP is not served."""
        return str(self.home.token) if self.url else None

    @property
    def pid(self) -> int:
        """The server's process id."""
        return os.getpid()

    def file(self, file_id: str) -> FileRecord:
        """Return the file of that id.

        Raises:
            ApiError: there is none.
        """
        return require_found(self.store.file(file_id), "file", file_id, "file_id")

    def job(self, job_id: str) -> JobRecord:
        """Return the job of that id.

        Raises:
            ApiError: there is none.
        """
        job = self.store.job(job_id)
        return require_found(job, "fine-tuning job", job_id, "fine_tuning_job_id")

    def content_path(self, file: FileRecord, param: str = "file_id") -> Path:
        """Return where the content of a file is.

        Raises:
            ApiError: it is missing.
        """
        path = self.home.files / file.id
        if not path.is_file():
            raise ApiError(
                404,
                f"The content of the file {file.id} is missing on the engine's disk. Upload it "
                "again.",
                code="content_missing",
                param=param,
            )
        return path


def _engine(request: Request) -> Engine:
    engine: Engine = request.app.state.engine
    return engine


EngineOfApp = Annotated[Engine, Depends(_engine)]
