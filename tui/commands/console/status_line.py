"""One line of a terminal that is written over: never wrapped, and whole again after a resize.

The cursor rests at the beginning of the line. A terminal that becomes narrower may fold what
stands there, but keeps the cursor where the line begins: what is erased from there on is all of it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import TextIO

from tui.commands.console.output import in_characters_of
from tui.domain.text import cut, scrub

_ERASE = "\r\x1b[J"


class LiveLine:
    """The line; what is said besides stands above it."""

    def __init__(
        self, stream: TextIO, columns: Callable[[], int] = lambda: shutil.get_terminal_size()[0]
    ) -> None:
        """An empty line.

        Args:
            stream: a terminal that knows escape sequences.
            columns: its width now, in cells.
        """
        self._stream = stream
        self._columns = columns
        self._shown = ("", 0)

    def show(self, text: str) -> None:
        """Show a text instead of the one before; the same text at the same width costs nothing."""
        columns = self._columns()
        if (text, columns) == self._shown:
            return
        self._shown = text, columns
        # The last column stays free: some terminals begin a new line after it.
        line = cut(in_characters_of(self._stream, scrub(text)), max(1, columns - 1))
        self._write(f"{_ERASE}{line}\r")

    def say_above(self, text: str) -> None:
        """Say something that stays, in lines above the live one."""
        before, self._shown = self._shown[0], ("", 0)
        said = in_characters_of(self._stream, scrub(text, lines=True))
        self._write(f"{_ERASE if before else ''}{said}\n")
        if before:
            self.show(before)

    def leave(self) -> None:
        """Leave the line as it stands; what comes next stands below it."""
        if self._shown[0]:
            self._write("\n")
        self._shown = ("", 0)

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
