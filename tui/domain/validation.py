"""Pydantic's validation errors as sentences for people."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import ValidationError


def first_error(error: ValidationError, label: Callable[[str], str] = str) -> str:
    """Format the first problem as a sentence: "epochs cannot be used: input should be ...".

    The rejected value is left out: it may be a secret.

    Args:
        error: what pydantic raised.
        label: names a field for people, from its dotted path (`providers.lab.kind`); not called
            where the problem is not about one field.
    """
    details = error.errors(include_url=False)[0]
    message = details["msg"].removeprefix("Value error, ")
    path = ".".join(str(part) for part in details["loc"])
    if not path:
        return f"{message[:1].upper()}{message[1:]}."
    if details["type"] == "missing":
        return f"{label(path)} is missing."
    if details["type"] == "extra_forbidden":
        return f"{label(path)} is unknown."
    if message[1:2].islower():
        message = message[:1].lower() + message[1:]
    return f"{label(path)} cannot be used: {message}."
