"""A file of rows of any size: where each row begins, and its bytes on demand.

Rows are read by position and not through a memory map: a map of a file that someone cuts short
kills the process that looks at it, and its pages count as memory in use.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
import weakref
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

BLOCK = 1 << 22
"""Bytes looked through at a time."""

LONGEST_ROW = 64 << 20
"""Bytes of a row that are read at the most; one that is longer is a damaged row."""

_BLANK = b" \t\r"


class Container(StrEnum):
    """What holds the rows of a file."""

    LINES = "lines"
    ARRAY = "array"
    OBJECTS = "objects"
    CSV = "csv"
    TSV = "tsv"


_HELD = {
    Container.LINES: "",
    Container.ARRAY: "a JSON array",
    Container.OBJECTS: "objects over many lines",
    Container.CSV: "a table (CSV)",
    Container.TSV: "a table (TSV)",
}


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells that a file is still the same one."""

    size: int
    changed_ns: int
    inode: int

    @classmethod
    def of(cls, found: os.stat_result) -> Stamp:
        """The stamp of a file that was looked at."""
        return cls(found.st_size, found.st_mtime_ns, found.st_ino)


class RowFile:
    """The rows of an open file; lines that are blank are no rows but are counted as lines.

    The file is closed when nobody uses the object any more, so a thread that still reads is safe.

    Attributes:
        path: the file that was opened.
        container: what holds the rows.
        packed: whether the file is compressed.
        counted_by_element: whether a row's line is its number, since rows share lines.
        remarks: code and message of what is wrong with the file as a whole.
    """

    container = Container.LINES
    packed = False
    counted_by_element = False

    def __init__(self, path: Path) -> None:
        """Open a file; no row is known yet.

        Raises:
            OSError: it cannot be read, or is a folder or a device.
        """
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, "Is a directory", str(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        self.path = path
        self.remarks: list[tuple[str, str]] = []
        self._handle = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        weakref.finalize(self, os.close, self._handle)
        self._data_handle = self._handle
        self.stamp = Stamp.of(os.fstat(self._handle))
        self._starts = array("Q")
        self._lines = array("Q")
        self._scanned = 0
        """Bytes of the data, which is the source itself here, that rows were looked for in."""
        self._scanning = threading.Lock()
        self._open_line: tuple[int, bool] | None = None
        self._line = 1
        self._complete = False

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def data_path(self) -> Path:
        """The file that holds the rows as lines at `start(row)`: the source, or what it held."""
        return self.path

    @property
    def size(self) -> int:
        """Bytes the file had when it was opened."""
        return self.stamp.size

    @property
    def scanned(self) -> int:
        """Bytes of the file that were looked through for rows."""
        return self._scanned

    @property
    def data_size(self) -> int:
        """Bytes of `data_path` in which rows are known; more than `scanned` of a packed file."""
        return self._scanned

    @property
    def complete(self) -> bool:
        """Whether every row is known."""
        return self._complete

    def changed(self) -> bool:
        """Whether the file at the path is another one by now, or gone."""
        try:
            return Stamp.of(self.path.stat()) != self.stamp
        except OSError:
            return True

    def head(self, size: int) -> bytes:
        """The first bytes of the file."""
        return os.pread(self._handle, size, 0)

    @property
    def held(self) -> str:
        """What holds the rows, in words; empty for plain lines, as training services take them."""
        words = _HELD[self.container]
        return f"{words or 'lines'}, packed with gzip" if self.packed else words

    def line(self, row: int) -> int:
        """Number of the line of a row, from 1."""
        return self._lines[row]

    def row_of_line(self, line: int) -> int | None:
        """The row that stands on a line; None where the line is blank or not known."""
        row = bisect_left(self._lines, line)
        return row if row < len(self._lines) and self._lines[row] == line else None

    def start(self, row: int) -> int:
        """Byte at which a row begins; for the number of rows, the byte after the last one."""
        return self._starts[row] if row < len(self._starts) else self._scanned

    def read(self, row: int) -> bytes:
        """The bytes of a row without its line break; what is left of them if the file was cut."""
        start = self._starts[row]
        size = min(max(0, self.start(row + 1) - start), LONGEST_ROW)
        raw = os.pread(self._data_handle, size, start)
        end = raw.find(b"\n")
        return (raw if end < 0 else raw[:end]).removesuffix(b"\r")

    def index(self) -> tuple[array[int], array[int]]:
        """Where each row starts, in bytes of the data, and the number of its line."""
        return self._starts, self._lines

    def adopt(self, starts: array[int], lines: array[int]) -> bool:
        """Take an index that was kept of the very same content, so that nothing is looked through.

        Returns:
            False where the data must be read anyway, since it has to be unpacked first.
        """
        with self._scanning:
            self._starts, self._lines = starts, lines
            self._scanned, self._open_line, self._complete = self.size, None, True
        return True

    def scan(self) -> bool:
        """Look through the next block for rows; False when there is none left.

        Raises:
            OSError: the file cannot be read.
            FileError: what is in the file cannot be unpacked.
        """
        with self._scanning:  # a check and a conversion may both be under way
            block = self._next_block()
            if block is None:
                self._finish()
                return False
            self._scan_block(block)
            return True

    def _next_block(self) -> bytes | None:
        """The data that follows what was looked through; None at its end."""
        wanted = min(BLOCK, self.size - self._scanned)
        return os.pread(self._handle, wanted, self._scanned) or None

    def _scan_block(self, block: bytes) -> None:
        """Note each row that begins in a block. This loop runs once a line of any file."""
        at, base, line = 0, self._scanned, self._line
        if self._open_line:
            at = self._close_line(block)
            line = self._line
        find, add_start, add_line = block.find, self._starts.append, self._lines.append
        while at >= 0:
            end = find(b"\n", at)
            if end < 0:
                break
            if block[at] > 32 or block[at:end].strip(_BLANK):
                add_start(base + at)
                add_line(line)
            line += 1
            at = end + 1
        self._line = line
        self._scanned += len(block)
        if 0 <= at < len(block):
            self._open_line = base + at, not block[at:].strip(_BLANK)

    def _close_line(self, block: bytes) -> int:
        """Go on with the line that the last block left open; where the next begins, or -1."""
        assert self._open_line
        start, blank = self._open_line
        end = block.find(b"\n")
        blank = blank and not block[: end if end >= 0 else None].strip(_BLANK)
        if end < 0:
            self._open_line = start, blank
            return -1
        self._open_line = None
        if not blank:
            self._starts.append(start)
            self._lines.append(self._line)
        self._line += 1
        return end + 1

    def _finish(self) -> None:
        """The last line needs no line break. A file that was cut short ends where it ends now."""
        if self._open_line and not self._open_line[1]:
            self._starts.append(self._open_line[0])
            self._lines.append(self._line)
        self._open_line = None
        self._complete = True

    @property
    def cut_short(self) -> bool:
        """Whether the file ended before the size it had when it was opened."""
        return self.scanned < self.size


def rows_between(path: Path, start: int, end: int, first_line: int) -> Iterator[tuple[int, bytes]]:
    """The rows in a range of bytes that begins with a line, with their line numbers.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb", buffering=0) as file:
        file.seek(start)
        block = file.read(min(end - start, LONGEST_ROW))
    for line, raw in enumerate(block.split(b"\n"), first_line):
        if raw and (raw[0] > 32 or raw.strip(_BLANK)):
            yield line, raw
