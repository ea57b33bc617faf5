"""Exception handlers: every failed request is answered in OpenAI's error envelope."""

from __future__ import annotations

import errno
import logging
import sqlite3
from typing import TypeVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from openai.types.shared import ErrorObject
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from tui.engine.errors import ApiError, invalid_parameter

_log = logging.getLogger("ftui.engine")

Record = TypeVar("Record")


class ErrorBody(BaseModel):
    """OpenAI's error envelope."""

    error: ErrorObject


def require_found(record: Record | None, kind: str, record_id: str, param: str) -> Record:
    """Return a record that was looked up.

    Raises:
        ApiError: there is none.
    """
    if record is None:
        message = f"No such {kind}: {record_id[:200]!r}."
        raise ApiError(404, message, code="not_found", param=param)
    return record


def disk_error(error: BaseException | None) -> ApiError | None:
    """Return the API error for a full or read-only disk; None for any other error."""
    if isinstance(error, sqlite3.OperationalError):
        full, read_only = "full" in str(error), "readonly" in str(error)
    elif isinstance(error, OSError):
        full, read_only = error.errno in (errno.ENOSPC, errno.EDQUOT), error.errno == errno.EROFS
    else:
        return None
    if full:
        message = "The disk of the engine's home is full; free some space and try again."
        return ApiError(507, message, code="no_space", kind="server_error")
    if read_only:
        message = "The disk of the engine's home is read-only; remount it and try again."
        return ApiError(507, message, code="read_only", kind="server_error")
    return None


def install(app: FastAPI) -> None:
    """Register the handlers."""

    async def on_api_error(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, ApiError)
        return error.response()

    async def on_http_error(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        # FastAPI raises 400 for whatever fails while it reads a body.
        if cause := disk_error(error.__cause__):
            return cause.response()
        if error.status_code in (404, 405):
            message = f"Invalid URL ({request.method} {request.url.path})."
            return ApiError(error.status_code, message, code="unknown_url").response()
        code = "too_large" if error.status_code == 413 else "invalid_body"
        message = f"{str(error.detail).removesuffix('.')}."
        return ApiError(error.status_code, message, code=code).response()

    async def on_invalid_request(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return invalid_parameter(error.errors()).response()

    async def on_disk_error(request: Request, error: Exception) -> JSONResponse:
        known = disk_error(error)
        return known.response() if known else await on_any_error(request, error)

    async def on_any_error(request: Request, error: Exception) -> JSONResponse:
        _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return ApiError(
            500,
            "The engine failed to process this request; see its log.",
            code="internal_error",
            kind="server_error",
        ).response()

    app.add_exception_handler(ApiError, on_api_error)
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(RequestValidationError, on_invalid_request)
    app.add_exception_handler(OSError, on_disk_error)
    app.add_exception_handler(sqlite3.OperationalError, on_disk_error)
    app.add_exception_handler(Exception, on_any_error)
