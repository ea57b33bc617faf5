"""Of a terminal, what Textual has no word for: writing a sequence, noticing that it is gone."""

from __future__ import annotations

import select
import sys


def send(sequence: str) -> None:
    """Write a sequence between what Textual writes, never within.

    Textual's writer hands each frame to the buffer of the standard error in one call, and the
    buffer does one call at a time. While the terminal takes nothing this waits: call it in a
    thread.

    Args:
        sequence: a whole escape sequence.

    Raises:
        OSError: the terminal is gone.
    """
    stream = sys.__stderr__
    if stream is not None:
        stream.buffer.write(sequence.encode(stream.encoding, errors="replace"))
        stream.buffer.flush()


def wait_until_gone() -> bool:
    """Wait until the terminal is gone; a connection may end without any signal.

    Returns:
        True once it is gone; False at once where that cannot be waited for.
    """
    stream = sys.__stdin__
    if stream is None or not stream.isatty():
        return False
    poll = select.poll()
    poll.register(stream.fileno(), 0)
    return any(found & (select.POLLHUP | select.POLLERR) for _, found in poll.poll())
