"""The HTTP face: OpenAI's paths and error envelope, put together out of the routers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from fastapi import FastAPI

from tui import __version__
from tui.engine import chat_api, engine_api, errors, files_api, jobs_api, models_api
from tui.engine.engine_state import Engine
from tui.engine.security import BodyLimit, Guard

_log = logging.getLogger("ftui.engine")


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
        supervising = asyncio.create_task(engine.supervisor.run())
        supervising.add_done_callback(ended_early)
        yield
        supervising.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await supervising
        await engine.answering.close()

    app = FastAPI(
        title="ftui engine",
        version=__version__,
        description="A fine-tuning server that speaks OpenAI's protocol.",
        lifespan=lifespan,
    )
    app.state.engine = engine
    errors.install(app)
    for resource in (files_api, jobs_api, models_api, chat_api, engine_api):
        app.include_router(resource.router)
    app.add_middleware(BodyLimit)
    app.add_middleware(Guard, token=token, hosts=hosts)
    return app
