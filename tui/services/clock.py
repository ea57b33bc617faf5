"""Time, sleep and randomness, replaceable in tests; waiting that notices a suspend."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """Time, sleep and randomness; tests use their own.

    Attributes:
        now: the time, in Unix seconds.
        sleep: sleeps for a number of seconds.
        random: a random number from 0 to 1.
        nap: most seconds slept at once, which is how soon a suspend is noticed.
    """

    now: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    random: Callable[[], float] = random.random
    nap: float = 3.0


_JUMP = 10.0
"""Seconds of deviation from which the machine must have been suspended or its clock set."""


async def rest(clock: Clock, seconds: float, *alarms: asyncio.Event) -> bool:
    """Wait, until an alarm is set or the clock jumps; returns whether it jumped.

    Kernel timers stand still while the machine is suspended, so the time is checked in between.
    """
    until = clock.now() + seconds
    waiting: list[asyncio.Future[object]] = [
        asyncio.ensure_future(alarm.wait()) for alarm in alarms
    ]
    try:
        while (left := until - clock.now()) > 0:
            nap, before = min(left, clock.nap), clock.now()
            sleeping: asyncio.Future[object] = asyncio.ensure_future(clock.sleep(nap))
            waiting.append(sleeping)
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if not sleeping.done():
                return False
            waiting.remove(sleeping)
            await sleeping
            if not -_JUMP <= clock.now() - before - nap <= _JUMP:
                return True
        return False
    finally:
        for task in waiting:
            task.cancel()
