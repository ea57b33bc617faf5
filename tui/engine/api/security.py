"""Access control: the token and the Host header of requests over TCP, and the size of bodies."""

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

MAX_UPLOAD_BYTES = 2 * 1024**3
MAX_BODY_BYTES = 16 * 1024**2
MAX_PART_BYTES = 64 * 1024**2
_FORM_OVERHEAD = 1024**2
_PART_PATH = re.compile(r"/v1/uploads/[^/]+/parts")


def load_token(path: Path) -> str:
    """Return the bearer token: created on first use, and replaced if other users can read it.

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


def is_from_socket(scope: Scope) -> bool:
    """Whether a request came over the Unix socket: from the user who runs the engine."""
    server = scope.get("server")
    return server is not None and server[1] is None


class Guard:
    """Admits requests over the Unix socket; over TCP only those with a known Host and the token."""

    def __init__(self, app: ASGIApp, token: str | None, hosts: frozenset[str] | None) -> None:
        """Wrap an app.

        Args:
            app: the app to protect.
            token: the bearer token; without one no request over TCP is admitted.
            hosts: host names that a request may be addressed to, so that a web page cannot reach
                the engine under a name of its own (DNS rebinding); None for any.
        """
        self._app = app
        self._token = token
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with an error."""
        if scope["type"] == "http" and (error := self._access_error(scope)):
            await error.response()(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _access_error(self, scope: Scope) -> ApiError | None:
        if is_from_socket(scope):
            return None
        headers = HTTPConnection(scope).headers
        host = headers.get("host", "").rsplit(":", 1)[0].strip("[]").lower()
        if self._hosts is not None and host not in self._hosts:
            return ApiError(
                403,
                "Invalid Host header; use 127.0.0.1 or localhost.",
                code="wrong_host",
            )
        scheme, _, credentials = headers.get("authorization", "").partition(" ")
        is_bearer = self._token is not None and scheme.lower() == "bearer"
        if is_bearer and hmac.compare_digest(
            credentials.strip().encode(), (self._token or "").encode()
        ):
            return None
        return ApiError(
            401,
            "Incorrect API key provided. This engine's key is in the file `token` of its home; "
            "`ftui engine status --json` prints its path as token_file.",
            code="invalid_api_key",
        )


def _max_bytes(path: str) -> int:
    """The largest body of a request, in bytes."""
    if path == "/v1/files":
        return MAX_UPLOAD_BYTES
    return MAX_PART_BYTES + _FORM_OVERHEAD if _PART_PATH.fullmatch(path) else MAX_BODY_BYTES


class BodyLimit:
    """Rejects requests whose body exceeds the limit, whatever their headers say."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and count the bytes of its body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = _max_bytes(scope["path"])
        received = 0

        async def counting_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise HTTPException(413, f"The request is larger than {limit // 1024**2:,} MB.")
            return message

        await self._app(scope, counting_receive, send)
