"""Waiting for a condition, however slow the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable

from textual.pilot import Pilot

PATIENCE = 300.0
"""Seconds; far more than a condition takes on a machine that is not busy."""


async def until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    """Let the app run until `holds()`; fails after `PATIENCE` seconds."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "the screen did not show it in time"
        await pilot.pause(0.02)
    await pilot.pause()
