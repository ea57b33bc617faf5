"""Who may ask, and how much at once: the token and the Host header on TCP, the size of bodies."""

from __future__ import annotations

import hmac
import os
import re
import secrets
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tui.engine.errors import ApiError

MOST_UPLOADED = 2 * 1024**3
MOST_OTHERWISE = 16 * 1024**2
MOST_OF_A_PART = 64 * 1024**2
_ROOM_FOR_A_FORM = 1024**2
_PART = re.compile(r"/v1/uploads/[^/]+/parts")


def load_token(path: Path) -> str:
    """The bearer token, made on first use; one that others could read is replaced.

    Raises:
        OSError: the file cannot be read or written.
    """
    try:
        token = path.read_text().strip()
    except FileNotFoundError:
        token = ""
    if len(token) < 32 or path.stat().st_mode & 0o077:
        token = secrets.token_urlsafe(32)
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(token + "\n")
    return token


class Guard:
    """Lets pass what comes by the Unix socket; on TCP only a known Host with the right token."""

    def __init__(self, app: ASGIApp, token: str | None, hosts: frozenset[str] | None) -> None:
        """Wrap an app.

        Args:
            app: what is guarded.
            token: the bearer token; without one nothing passes on TCP.
            hosts: host names that a request may be addressed to, so that a web page cannot reach
                the engine under a name of its own (DNS rebinding); None lets any pass.
        """
        self._app = app
        self._token = token
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with an error."""
        if scope["type"] == "http" and (refused := self._reason_against(scope)):
            await refused.response()(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _reason_against(self, scope: Scope) -> ApiError | None:
        server = scope.get("server")
        if server is not None and server[1] is None:
            return None
        headers = HTTPConnection(scope).headers
        host = headers.get("host", "").rsplit(":", 1)[0].strip("[]").lower()
        if self._hosts is not None and host not in self._hosts:
            return ApiError(
                403,
                "The engine does not answer under this host name; use 127.0.0.1 or localhost.",
                code="wrong_host",
            )
        kind, _, given = headers.get("authorization", "").partition(" ")
        known = self._token is not None and kind.lower() == "bearer"
        if known and hmac.compare_digest(given.strip().encode(), (self._token or "").encode()):
            return None
        return ApiError(
            401,
            "Incorrect API key provided. The key of this engine is in the file `token` of its "
            "home; `ftui engine status --json` names it as token_file.",
            code="invalid_api_key",
        )


def _most_of(path: str) -> int:
    """Bytes that the body of a request may have."""
    if path == "/v1/files":
        return MOST_UPLOADED
    return MOST_OF_A_PART + _ROOM_FOR_A_FORM if _PART.fullmatch(path) else MOST_OTHERWISE


class BodyLimit:
    """Ends a request whose body grows beyond the limit, whatever its headers say."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting its body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = _most_of(scope["path"])
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                raise HTTPException(413, f"The request is larger than {limit // 1024**2:,} MB.")
            return message

        await self._app(scope, counted, send)
