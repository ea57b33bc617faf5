"""Exception handlers: every failure of a request leaves the server in OpenAI's envelope."""

from __future__ import annotations

import errno
import logging
import sqlite3

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from openai.types.shared import ErrorObject
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from tui.engine.errors import ApiError, invalid_parameter

_log = logging.getLogger("ftui.engine")


class ErrorBody(BaseModel):
    """OpenAI's envelope of an error."""

    error: ErrorObject


def not_found(what: str, name: str, param: str | None = None) -> ApiError:
    """There is no such thing."""
    return ApiError(404, f"No such {what}: {name[:200]!r}.", code="not_found", param=param)


def disk_trouble(error: BaseException | None) -> ApiError | None:
    """The answer where the disk takes nothing; None where the error is another one."""
    if isinstance(error, sqlite3.OperationalError):
        full, read_only = "full" in str(error), "readonly" in str(error)
    elif isinstance(error, OSError):
        full, read_only = error.errno in (errno.ENOSPC, errno.EDQUOT), error.errno == errno.EROFS
    else:
        return None
    if full:
        message = "No space is left on the disk of the engine's home; free some and try again."
        return ApiError(507, message, code="no_space", kind="server_error")
    if read_only:
        message = "The disk of the engine's home became read-only; see to it and try again."
        return ApiError(507, message, code="read_only", kind="server_error")
    return None


def install(app: FastAPI) -> None:
    """Let every failure leave the app in the envelope."""

    async def api_error(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, ApiError)
        return error.response()

    async def http_error(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        # FastAPI says 400 whatever breaks while it reads a body.
        if trouble := disk_trouble(error.__cause__):
            return trouble.response()
        if error.status_code in (404, 405):
            message = f"Unknown request: {request.method} {request.url.path}."
            return ApiError(error.status_code, message, code="unknown_url").response()
        code = "too_large" if error.status_code == 413 else "invalid_body"
        message = f"{str(error.detail).removesuffix('.')}."
        return ApiError(error.status_code, message, code=code).response()

    async def invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return validation_error(error).response()

    async def disk_error(_: Request, error: Exception) -> JSONResponse:
        trouble = disk_trouble(error)
        return trouble.response() if trouble else await unforeseen(_, error)

    async def unforeseen(request: Request, error: Exception) -> JSONResponse:
        _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return ApiError(
            500,
            "The engine failed on this request; its log says where.",
            code="internal_error",
            kind="server_error",
        ).response()

    app.add_exception_handler(ApiError, api_error)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(OSError, disk_error)
    app.add_exception_handler(sqlite3.OperationalError, disk_error)
    app.add_exception_handler(Exception, unforeseen)


def validation_error(error: RequestValidationError) -> ApiError:
    """What is wrong with a request, as OpenAI would say it: the first problem and its parameter."""
    return invalid_parameter(error.errors())
