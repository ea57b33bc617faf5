"""Errors: OpenAI's envelope for whoever asks, and one plain sentence for whoever starts us."""

from __future__ import annotations

import errno
import logging
import sqlite3
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from openai.types.shared import ErrorObject
from pydantic import BaseModel
from starlette.exceptions import HTTPException

_log = logging.getLogger("ftui.engine")


class StartError(Exception):
    """The engine cannot start; the text is one plain sentence with what to do."""

    def __init__(self, message: str, code: int = 2) -> None:
        super().__init__(message)
        self.code = code
        """Exit status of the process."""


class ApiError(Exception):
    """An answer other than good, in OpenAI's envelope."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        kind: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.kind = kind

    def response(self) -> JSONResponse:
        """The error as a response; the client is told not to try a lasting failure again."""
        error = {
            "message": self.message,
            "type": self.kind,
            "param": self.param,
            "code": self.code,
        }
        headers = {"x-should-retry": "false"} if self.status in (409, 507) else None
        return JSONResponse({"error": error}, self.status, headers)


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
    return invalid_parameter(error.errors()[0])


def invalid_parameter(found: Mapping[str, Any], within: tuple[str, ...] = ()) -> ApiError:
    """What pydantic found, as OpenAI would say it.

    Args:
        found: one of pydantic's errors.
        within: the parameters that hold what was checked.
    """
    names = [str(part) for part in found["loc"] if part not in ("body", "query", "path")]
    param = ".".join((*within, *names)) or None
    if found["type"] == "json_invalid":
        why = found["ctx"]["error"]
        return ApiError(400, f"The body of the request is not JSON: {why}.", code="invalid_json")
    if found["type"] == "missing":
        return ApiError(400, f"You must provide {param}.", param=param, code="missing_parameter")
    if found["type"] == "extra_forbidden":
        message = f"Unrecognized parameter: {param}."
        return ApiError(400, message, param=param, code="unknown_parameter")
    message = f"Invalid value for {param or 'the request'}: {found['msg']}."
    return ApiError(400, message, param=param, code="invalid_value")
