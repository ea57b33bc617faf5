"""The engine's errors: OpenAI's envelope for requests, a plain message for a failed start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.responses import JSONResponse


class StartError(Exception):
    """The engine cannot start; the message says why and what to do."""

    def __init__(self, message: str, code: int = 2) -> None:
        super().__init__(message)
        self.code = code
        """Exit status of the process."""


class ApiError(Exception):
    """A failed request, to be answered in OpenAI's envelope."""

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
        """The error as a response; clients are told not to retry a permanent failure."""
        error = {
            "message": self.message,
            "type": self.kind,
            "param": self.param,
            "code": self.code,
        }
        headers = {"x-should-retry": "false"} if self.status in (409, 507) else None
        return JSONResponse({"error": error}, self.status, headers)


def invalid_parameter(
    errors: Sequence[Mapping[str, Any]], within: tuple[str, ...] = ()
) -> ApiError:
    """The first of pydantic's errors in OpenAI's words and with its codes.

    Args:
        errors: `ValidationError.errors()`.
        within: names of the parameters that contain what was validated.
    """
    first = errors[0]
    names = [str(part) for part in first["loc"] if part not in ("body", "query", "path")]
    param = ".".join((*within, *names)) or None
    if first["type"] == "json_invalid":
        reason = first["ctx"]["error"]
        return ApiError(400, f"The body of the request is not JSON: {reason}.", code="invalid_json")
    if first["type"] == "missing":
        return ApiError(400, f"You must provide {param}.", param=param, code="missing_parameter")
    if first["type"] == "extra_forbidden":
        message = f"Unrecognized parameter: {param}."
        return ApiError(400, message, param=param, code="unknown_parameter")
    message = f"Invalid value for {param or 'the request'}: {first['msg']}."
    return ApiError(400, message, param=param, code="invalid_value")
