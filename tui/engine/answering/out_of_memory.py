"""Telling that memory ran out: every allocator says it in its own words."""

from __future__ import annotations

_SAYINGS = ("out of memory", "can't allocate memory", "cannot allocate memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch, of a device or of Python means that memory ran out."""
    said = str(error).lower()
    return isinstance(error, MemoryError) or any(saying in said for saying in _SAYINGS)
