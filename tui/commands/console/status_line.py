"""A terminal line that is overwritten: never wrapped, and intact after a resize.

The cursor stays at the start of the line. A terminal that becomes narrower may wrap the line, but
keeps the cursor at its start, so erasing from there on removes all of it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import TextIO

from tui.commands.console.output import in_characters_of
from tui.domain.text import cut, scrub

_ERASE = "\r\x1b[J"


class StatusLine:
    """The line; other output is printed above it."""

    def __init__(
        self, stream: TextIO, columns: Callable[[], int] = lambda: shutil.get_terminal_size()[0]
    ) -> None:
        """Start with an empty line.

        Args:
            stream: a terminal with escape sequences.
            columns: returns its current width in cells.
        """
        self._stream = stream
        self._columns = columns
        self._shown = ("", 0)

    def show(self, text: str) -> None:
        """Replace the text; the same text at the same width writes nothing."""
        columns = self._columns()
        if (text, columns) == self._shown:
            return
        self._shown = text, columns
        # The last column stays free: some terminals begin a new line after it.
        line = cut(in_characters_of(self._stream, scrub(text)), max(1, columns - 1))
        self._write(f"{_ERASE}{line}\r")

    def print_above(self, text: str) -> None:
        """Print permanent lines above this one."""
        current, self._shown = self._shown[0], ("", 0)
        lines = in_characters_of(self._stream, scrub(text, lines=True))
        self._write(f"{_ERASE if current else ''}{lines}\n")
        if current:
            self.show(current)

    def leave(self) -> None:
        """Leave the line on the terminal; later output goes below it."""
        if self._shown[0]:
            self._write("\n")
        self._shown = ("", 0)

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
