"""Ids made of a time: they sort by age; a random suffix distinguishes those of one moment."""

from __future__ import annotations

import secrets
from datetime import datetime


def time_id(now: datetime) -> str:
    """An id such as `20260102T030405.123456Z-1a2b3c4d`.

    Args:
        now: an aware time in UTC.
    """
    return f"{now:%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(4)}"
