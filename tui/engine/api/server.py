"""Builds the HTTP app out of the routers, with its middleware and background tasks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import AsyncIterator

from fastapi import Depends, FastAPI

from tui import __version__
from tui.engine.api import (
    engine_api,
    errors,
    graders_api,
    models_api,
    reference_page,
    unsupported_api,
)
from tui.engine.api.chat import chat_api
from tui.engine.api.engine_state import Engine
from tui.engine.api.files import files_api, uploads_api
from tui.engine.api.files.file_storage import delete_expired, delete_leftovers
from tui.engine.api.jobs import jobs_api
from tui.engine.api.queries import refuse_unknown_queries
from tui.engine.api.security import BodyLimit, Guard

_log = logging.getLogger("ftui.engine")

_RESOURCES = (
    files_api,
    uploads_api,
    models_api,
    jobs_api,
    graders_api,
    unsupported_api,
    chat_api,
    engine_api,
    reference_page,
)
_EXPIRE_SECONDS = 60.0


def create_app(engine: Engine, *, token: str | None, hosts: frozenset[str] | None) -> FastAPI:
    """Create the app of an engine.

    Args:
        engine: the parts that the routes use.
        token: the bearer token for TCP; None where TCP is not served.
        hosts: host names under which it may be reached over TCP; None for any.
    """

    def on_supervisor_end(task: asyncio.Task[None]) -> None:
        """Stop the server: without its supervisor it would accept jobs and never run them."""
        if not task.cancelled() and (error := task.exception()):
            _log.error("The supervisor ended: %s", error, exc_info=error)
            engine.stop()

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(delete_leftovers, engine)
        supervisor_task = asyncio.create_task(engine.supervisor.run())
        supervisor_task.add_done_callback(on_supervisor_end)
        expiry_task = asyncio.create_task(_expire_files(engine))
        yield
        for task in (supervisor_task, expiry_task):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await engine.answering.close()

    app = FastAPI(
        title="ftui engine",
        version=__version__,
        description="A fine-tuning server with an OpenAI-compatible API.",
        lifespan=lifespan,
        docs_url=None,  # FastAPI's own pages load scripts from the internet
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
        dependencies=[Depends(refuse_unknown_queries)],
        responses={"4XX": {"model": errors.ErrorBody}, "5XX": {"model": errors.ErrorBody}},
    )
    app.state.engine = engine
    errors.install(app)
    for resource in _RESOURCES:
        app.include_router(resource.router)
    app.add_middleware(BodyLimit)
    app.add_middleware(Guard, token=token, hosts=hosts)
    return app


async def _expire_files(engine: Engine) -> None:
    """Delete expired files regularly, even without requests for files."""
    while True:
        await asyncio.sleep(_EXPIRE_SECONDS)
        try:
            await asyncio.to_thread(delete_expired, engine)
        except (OSError, sqlite3.Error) as error:
            _log.error("Cannot delete expired files: %s", error)
