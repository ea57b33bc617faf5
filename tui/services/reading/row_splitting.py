"""Cutting a container into lines of JSON, each row on its line of the source."""

from __future__ import annotations

from typing import Protocol

from tui.services.reading.row_file import LONGEST_ROW

PATIENCE = 16 << 20
"""Bytes after which an unfinished row counts as damaged if another may begin in it."""

Remark = tuple[str, str]
"""Code and message of a problem of the whole file."""


class Cutter(Protocol):
    """Cuts the blocks of a file into lines."""

    @property
    def counted_by_element(self) -> bool:
        """Whether line numbers are row numbers, since rows share lines."""

    @property
    def remarks(self) -> list[Remark]:
        """Problems of the whole file, as far as it was read."""

    def cut(self, block: bytes) -> bytes:
        """The lines that a block completes; an unfinished one is kept for the next block."""

    def finish(self) -> bytes:
        """The lines that were unfinished at the end of the file."""


class PassThrough:
    """Passes lines through."""

    def __init__(self) -> None:
        self.counted_by_element = False
        self.remarks: list[Remark] = []

    def cut(self, block: bytes) -> bytes:
        """See `Cutter`."""
        return block

    def finish(self) -> bytes:
        """See `Cutter`."""
        return b""


class RowBuffer:
    """Blocks of an unfinished row.

    After a failed attempt the next one waits until the size has doubled, so that a long row costs
    few attempts.
    """

    def __init__(self) -> None:
        self._blocks: list[bytes] = []
        self._size = 0
        self._next_size = 0

    def add(self, block: bytes) -> bytes | None:
        """Add a block; gives the whole buffer where an attempt is worthwhile, else None."""
        self._blocks.append(block)
        self._size += len(block)
        return self.all() if self._size >= self._next_size else None

    def all(self) -> bytes:
        """The whole buffer."""
        return b"".join(self._blocks)

    def keep(self, rest: bytes) -> None:
        """Replace the buffer by the rest of it."""
        self._blocks, self._size = [rest], len(rest)
        self._next_size = min(2 * len(rest), LONGEST_ROW + 1)


class LinePlacer:
    """Puts rows on lines of ascending numbers, with blank lines between."""

    def __init__(self) -> None:
        self.line = 0
        """Line number of the last row."""

    def place(self, raw: bytes, line: int) -> bytes:
        """The bytes that end the previous line and put a row on a line."""
        before = b"\n" * (line - max(1, self.line))
        self.line = line
        return before + raw
