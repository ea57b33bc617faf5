"""Reading from the terminal so that ctrl+c ends it at once."""

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
