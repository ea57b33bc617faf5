"""Parses bodies as standard JSON: no NaN, no lone surrogates, no unlimited nesting.

Python's own parser accepts all three, and they would fail much later, with no client to report to.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import Request, Response
from fastapi.routing import APIRoute


class StrictRequest(Request):
    """A request whose body is parsed strictly."""

    async def json(self) -> Any:
        """Return the body.

        Raises:
            orjson.JSONDecodeError: it is not JSON; FastAPI turns this into a validation error.
        """
        return orjson.loads(await self.body())


class StrictRoute(APIRoute):
    """A route that parses the bodies of its requests strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of requests."""
        handle = super().get_route_handler()

        async def strict_handler(request: Request) -> Response:
            return await handle(StrictRequest(request.scope, request.receive))

        return strict_handler
