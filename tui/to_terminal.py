"""Escape sequences that Textual has no word for, written to its terminal."""

from __future__ import annotations

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
