"""Narrows values of untyped JSON, as servers and logs give them."""

from __future__ import annotations

import math
from collections.abc import Mapping


def as_float(value: object) -> float | None:
    """A number as float, also from text; None for anything else. Never raises."""
    if type(value) is float:
        return value
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def as_text(value: object) -> str | None:
    """A non-empty string, or None."""
    return value if isinstance(value, str) and value else None


def as_json(value: object) -> object:
    """A JSON value with NaN and the infinities as text, because JSON has no such numbers."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): as_json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(inner) for inner in value]
    return value
