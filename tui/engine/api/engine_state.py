"""What the server's routes work on, and how they get at it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from tui.engine.answering.process import Answering
from tui.engine.api.errors import not_found
from tui.engine.errors import ApiError
from tui.engine.home import Home
from tui.engine.jobs.database import Page
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
    answering: Answering
    stop: Callable[[], None]
    """Asks the server to end."""
    clock: Callable[[], int] = now
    """Gives the time in Unix seconds."""

    @property
    def token_file(self) -> str | None:
        """Where the token for TCP is; None where TCP is not served."""
        return str(self.home.token) if self.url else None

    @property
    def pid(self) -> int:
        """The server's process id."""
        return os.getpid()

    def file(self, file_id: str) -> FileRecord:
        """The file of that id.

        Raises:
            ApiError: there is none.
        """
        file = self.store.file(file_id)
        if file is None:
            raise not_found("file", file_id, "file_id")
        return file

    def content_of(self, file: FileRecord, param: str = "file_id") -> Path:
        """Where the content of a file is.

        Raises:
            ApiError: it is gone.
        """
        path = self.home.files / file.id
        if not path.is_file():
            raise ApiError(
                404,
                f"The content of the file {file.id} is gone from the engine's disk. Upload it "
                "again.",
                code="content_missing",
                param=param,
            )
        return path

    def job(self, job_id: str) -> JobRecord:
        """The job of that id.

        Raises:
            ApiError: there is none.
        """
        job = self.store.job(job_id)
        if job is None:
            raise not_found("fine-tuning job", job_id, "fine_tuning_job_id")
        return job


def _engine_of(request: Request) -> Engine:
    engine: Engine = request.app.state.engine
    return engine


EngineOfApp = Annotated[Engine, Depends(_engine_of)]


def came_by_socket(request: Request) -> bool:
    """Whether a request came over the Unix socket: from the user who runs the engine."""
    server = request.scope.get("server")
    return server is not None and server[1] is None


def shown(record: BaseModel) -> dict[str, Any]:
    """One of OpenAI's objects as JSON; `paused` is a state that its types do not name."""
    return record.model_dump(mode="json", by_alias=True, warnings=False)


def answer(record: BaseModel) -> JSONResponse:
    """One of OpenAI's objects as a response."""
    return JSONResponse(shown(record))


def page_of(read: Callable[[], Page[Any]]) -> JSONResponse:
    """A page as OpenAI's list object.

    Raises:
        ApiError: the id given as `after` is not in the list.
    """
    try:
        page = read()
    except KeyError as error:
        message = f"There is no {error.args[0][:80]!r} to go on after."
        raise ApiError(400, message, param="after", code="invalid_value") from error
    data = [shown(record.to_openai()) for record in page.data]
    ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {}
    return JSONResponse({"object": "list", "data": data, "has_more": page.has_more, **ends})
