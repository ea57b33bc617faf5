"""Values of untyped JSON, as they come from servers and logs, narrowed to what they must be."""

from __future__ import annotations

import math
from collections.abc import Mapping


def figure(value: object) -> float | None:
    """A number as float, also from text; None where there is none. Never raises."""
    if type(value) is float:
        return value
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def text(value: object) -> str | None:
    """A text that says something, or None."""
    return value if isinstance(value, str) and value else None


def plain(value: object) -> object:
    """A JSON value with NaN and the infinities as text, because JSON knows no such numbers."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value
