"""Time, sleep and chance, so that a test can bring its own; waiting that survives a suspend."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """Time, sleep and chance; a test brings its own.

    Attributes:
        now: Unix seconds.
        sleep: waits that many seconds.
        random: a number from 0 to 1.
        nap: seconds that are slept at once; so soon it is noticed that the machine was asleep.
    """

    now: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    random: Callable[[], float] = random.random
    nap: float = 3.0


_JUMP = 10.0
"""Seconds that a clock goes wrong by when the machine was asleep, or was set."""


async def rest(clock: Clock, seconds: float, *alarms: asyncio.Event) -> bool:
    """Wait; ends early when an alarm is set, or when the clock jumped, and tells of the latter.

    Clocks of the kernel stand still while a machine is asleep, so the time is looked at in between.
    """
    until = clock.now() + seconds
    waiting: list[asyncio.Future[object]] = [
        asyncio.ensure_future(alarm.wait()) for alarm in alarms
    ]
    try:
        while (left := until - clock.now()) > 0:
            nap, before = min(left, clock.nap), clock.now()
            asleep: asyncio.Future[object] = asyncio.ensure_future(clock.sleep(nap))
            waiting.append(asleep)
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if not asleep.done():
                return False
            waiting.remove(asleep)
            await asleep
            if not -_JUMP <= clock.now() - before - nap <= _JUMP:
                return True
        return False
    finally:
        for task in waiting:
            task.cancel()
