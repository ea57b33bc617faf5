"""Cutting what holds rows into lines of JSON: a row stands on the line it has in the source."""

from __future__ import annotations

from typing import Protocol

from tui.services.reading.row_file import LONGEST_ROW

PATIENCE = 16 << 20
"""Bytes after which a row that does not end counts as damaged where another may begin in it."""

Remark = tuple[str, str]
"""Code and message of what is wrong with a file as a whole."""


class Cutter(Protocol):
    """Makes lines out of the blocks of a file.

    Attributes:
        counted_by_element: whether the number of a row's line is the row's own number.
        remarks: what is wrong with the file as a whole, as far as it was read.
    """

    counted_by_element: bool
    remarks: list[Remark]

    def cut(self, block: bytes) -> bytes:
        """The lines that a block completes; what it leaves open waits for the next one."""

    def finish(self) -> bytes:
        """The lines that were still open at the end of the file."""


class AsIs:
    """Lines stay what they are."""

    def __init__(self) -> None:
        self.counted_by_element = False
        self.remarks: list[Remark] = []

    def cut(self, block: bytes) -> bytes:
        """See `Cutter`."""
        return block

    def finish(self) -> bytes:
        """See `Cutter`."""
        return b""


class Waiting:
    """Blocks that wait until a row is complete in them.

    What was looked at in vain is looked at again when it has doubled, so a long row costs no more
    than a few looks.
    """

    def __init__(self) -> None:
        self._blocks: list[bytes] = []
        self._size = 0
        self._wanted = 0

    def add(self, block: bytes) -> bytes | None:
        """All that waits with a block added; None as long as it is not worth a look."""
        self._blocks.append(block)
        self._size += len(block)
        return self.all() if self._size >= self._wanted else None

    def all(self) -> bytes:
        """All that waits."""
        return b"".join(self._blocks)

    def keep(self, rest: bytes) -> None:
        """Wait with what is left of the whole."""
        self._blocks, self._size = [rest], len(rest)
        self._wanted = min(2 * len(rest), LONGEST_ROW + 1)


class LinePlacer:
    """Puts rows on lines of given, rising numbers, with blank lines between."""

    def __init__(self) -> None:
        self.line = 0
        """Number of the last row's line."""

    def place(self, raw: bytes, line: int) -> bytes:
        """The bytes that end the line before and put a row on this one."""
        before = b"\n" * (line - max(1, self.line))
        self.line = line
        return before + raw
