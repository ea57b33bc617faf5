"""Ending a command by a signal: cleanly, and at once while it reads from the terminal."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def interruptible() -> Iterator[None]:
    """A context for terminal reads in which ctrl+c raises KeyboardInterrupt at once.

    asyncio's own handler waits for an await, and reading from the terminal has none.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def interrupted_by_signals() -> Iterator[list[int]]:
    """A context in which SIGTERM and SIGHUP end a command as ctrl+c does, so that it cleans up.

    A signal that is ignored (`nohup`) stays ignored.

    Yields:
        The numbers of the signals received so far.
    """
    received: list[int] = []

    def interrupt(number: int, _: object) -> None:
        received.append(number)
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a script's background jobs
            signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.raise_signal(signal.SIGINT)

    numbers = [
        number
        for number in (signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) is signal.SIG_DFL
    ]
    for number in numbers:
        signal.signal(number, interrupt)
    try:
        yield received
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)
