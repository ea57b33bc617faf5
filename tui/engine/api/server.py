"""The HTTP face: OpenAI's paths and error envelope, put together out of the routers."""

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
    """The app of one engine.

    Args:
        engine: what the routes work on.
        token: the bearer token that TCP needs; None where TCP is not served.
        hosts: names under which it may be reached by TCP; None for any.
    """

    def ended_early(supervising: asyncio.Task[None]) -> None:
        """A server whose supervisor is gone answers and does nothing: better that it ends."""
        if not supervising.cancelled() and (error := supervising.exception()):
            _log.error("The supervisor ended: %s", error, exc_info=error)
            engine.stop()

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(delete_leftovers, engine)
        supervising = asyncio.create_task(engine.supervisor.run())
        supervising.add_done_callback(ended_early)
        expiring = asyncio.create_task(_expire(engine))
        yield
        for task in (supervising, expiring):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await engine.answering.close()

    app = FastAPI(
        title="ftui engine",
        version=__version__,
        description="A fine-tuning server that speaks OpenAI's protocol.",
        lifespan=lifespan,
        docs_url=None,  # FastAPI's own pages fetch scripts from the internet
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


async def _expire(engine: Engine) -> None:
    """Free the disk of what is over, also while nobody asks for files."""
    while True:
        await asyncio.sleep(_EXPIRE_SECONDS)
        try:
            await asyncio.to_thread(delete_expired, engine)
        except (OSError, sqlite3.Error) as error:
            _log.error("Files whose time is over cannot be deleted: %s", error)
