"""Terminal functions that Textual lacks: send a sequence, notice a hangup, do without Unicode."""

from __future__ import annotations

import codecs
import select
import sys
from io import TextIOWrapper

from tui.domain.text import plain_sign

_PLAIN = "ftui.plain"


def send(sequence: str) -> None:
    """Write an escape sequence between two frames of Textual, never inside one.

    Textual writes each frame to the buffer of stderr in one call, and the buffer serialises calls.
    Blocks while the terminal accepts nothing: call it in a thread.

    Args:
        sequence: a complete escape sequence.

    Raises:
        OSError: the terminal is gone.
    """
    stream = sys.__stderr__
    if stream is not None:
        stream.buffer.write(sequence.encode(stream.encoding, errors="replace"))
        stream.buffer.flush()


def wait_until_gone() -> bool:
    """Wait until the terminal is gone; a connection may end without a signal.

    Returns:
        True once it is gone; False at once if stdin is not a terminal.
    """
    stream = sys.__stdin__
    if stream is None or not stream.isatty():
        return False
    poll = select.poll()
    poll.register(stream.fileno(), 0)
    return any(events & (select.POLLHUP | select.POLLERR) for _, events in poll.poll())


def show_plain_signs() -> None:
    """Show ASCII in place of what the terminal's encoding lacks; Textual draws on stderr.

    Otherwise Python writes six characters for a check mark, its escape, and the columns shift.
    """
    stream = sys.__stderr__
    if isinstance(stream, TextIOWrapper) and "utf" not in stream.encoding.lower():
        codecs.register_error(_PLAIN, _plain)
        stream.reconfigure(errors=_PLAIN)


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(plain_sign, error.object[error.start : error.end])), error.end
