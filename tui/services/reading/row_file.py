"""A file of rows of any size: an index of the rows, and their bytes on demand.

Rows are read by position and not through a memory map: access to a map of a truncated file kills
the process, and mapped pages count as memory in use.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
import weakref
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tui.domain.rows.encodings import UTF8, encoding_label
from tui.services.reading.decompression import Plain, Source

BLOCK = 1 << 22
"""Bytes scanned at a time."""

LONGEST_ROW = 64 << 20
"""Most bytes buffered for a row that is cut out of an array or a table."""
_LONGEST_LINE = 512 << 20
"""Most bytes read of a line; no service takes a file with a longer one."""

_BLANK = b" \t\r"


class Container(StrEnum):
    """How a file holds its rows."""

    LINES = "lines"
    ARRAY = "array"
    OBJECTS = "objects"
    DOCUMENT = "document"
    CSV = "csv"
    TSV = "tsv"
    ARROW = "arrow"


_CONTAINER_LABELS = {
    Container.LINES: "",
    Container.ARRAY: "a JSON array",
    Container.OBJECTS: "objects that are not one per line",
    Container.DOCUMENT: "one JSON object",
    Container.CSV: "a table (CSV)",
    Container.TSV: "a table (TSV)",
    Container.ARROW: "a table (Parquet or Arrow)",
}


@dataclass(frozen=True, slots=True)
class Stamp:
    """Identity of a file's content, as far as its metadata tells."""

    size: int
    changed_ns: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> Stamp:
        """The stamp of a file from its status."""
        return cls(status.st_size, status.st_mtime_ns, status.st_ino)


class RowFile:
    """The rows of an open file; blank lines are not rows but count as lines.

    The file is closed with the object, so a thread that still reads is safe.

    Attributes:
        path: the file that was opened.
        container: how the file holds its rows.
        packed: whether the file is compressed.
        encoding: codec of its text.
        counted_by_element: whether line numbers are row numbers, since rows share lines.
        remarks: code and message of problems of the whole file.
    """

    container = Container.LINES
    packed = False
    encoding = UTF8
    counted_by_element = False

    def __init__(self, path: Path) -> None:
        """Open a file; its rows are found by `scan`.

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
        """Bytes of the data that have been scanned; here the data is the source itself."""
        self._scan_lock = threading.Lock()
        self._open_line: tuple[int, bool] | None = None
        self._line = 1
        self._complete = False

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def data_path(self) -> Path:
        """The file of the rows as lines at `start(row)`: the source, or its unpacked content."""
        return self.path

    @property
    def size(self) -> int:
        """Size of the file when it was opened."""
        return self.stamp.size

    @property
    def scanned(self) -> int:
        """Bytes of the file scanned so far."""
        return self._scanned

    @property
    def data_size(self) -> int:
        """Bytes of `data_path` scanned so far; more than `scanned` in a compressed file."""
        return self._scanned

    @property
    def complete(self) -> bool:
        """Whether the whole file has been scanned."""
        return self._complete

    def changed(self) -> bool:
        """Whether the file at the path has changed or is gone."""
        try:
            return Stamp.of(self.path.stat()) != self.stamp
        except OSError:
            return True

    def head(self, size: int, unpack: Callable[[int, int], Source] = Plain) -> bytes:
        """The first bytes of the file, or of what it holds.

        Args:
            size: number of bytes.
            unpack: opens the bytes, given the open file and its size.

        Raises:
            OSError: the file cannot be read.
        """
        source, blocks = unpack(self._handle, self.size), list[bytes]()
        while size > 0 and (block := source.next_block(size)):
            blocks.append(block)
            size -= len(block)
        return b"".join(blocks)

    @property
    def container_label(self) -> str:
        """How the file holds its rows; empty for plain lines, which training services take."""
        label = _CONTAINER_LABELS[self.container]
        if self.encoding != UTF8:
            label = f"{label or 'lines'} in {encoding_label(self.encoding)}"
        if self.shape:
            label = f"{label or 'lines'} {self.shape}"
        return f"{label or 'lines'}, packed with gzip" if self.packed else label

    @property
    def shape(self) -> str:
        """The shape of rows that are converted while they are read, such as "of Gemini's API"."""
        return ""

    def line(self, row: int) -> int:
        """Line number of a row, from 1."""
        return self._lines[row]

    def start(self, row: int) -> int:
        """Byte offset of a row; for the number of rows, the offset after the last one."""
        return self._starts[row] if row < len(self._starts) else self._scanned

    def read(self, row: int) -> bytes:
        """The bytes of a row without its line break; fewer where the file was truncated."""
        start = self._starts[row]
        size = min(max(0, self.start(row + 1) - start), _LONGEST_LINE)
        raw = os.pread(self._data_handle, size, start)
        end = raw.find(b"\n")
        return (raw if end < 0 else raw[:end]).removesuffix(b"\r")

    def index(self) -> tuple[array[int], array[int]]:
        """Byte offset in the data, and line number, of each row."""
        return self._starts, self._lines

    def adopt(self, starts: array[int], lines: array[int]) -> bool:
        """Use a cached index of the same content instead of scanning.

        Returns:
            False where the data must be read anyway, since it has to be unpacked.
        """
        with self._scan_lock:
            self._starts, self._lines = starts, lines
            self._scanned, self._open_line, self._complete = self.size, None, True
        return True

    def scan(self) -> bool:
        """Scan the next block for rows; False where none is left.

        Raises:
            OSError: the file cannot be read.
            FileError: the file cannot be unpacked or decoded.
        """
        with self._scan_lock:  # a check and a conversion may run at once
            block = self._next_block()
            if block is None:
                self._finish()
                return False
            self._scan_block(block)
            return True

    def _next_block(self) -> bytes | None:
        """The next block of data; None at its end."""
        size = min(BLOCK, self.size - self._scanned)
        return os.pread(self._handle, size, self._scanned) or None

    def _scan_block(self, block: bytes) -> None:
        """Index each row that begins in a block. This loop runs once per line of any file."""
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
        """Continue the line that the last block left open; returns the start of the next, or -1."""
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
        """Index the last line, which needs no line break."""
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
        block = file.read(min(end - start, _LONGEST_LINE))
    for line, raw in enumerate(block.split(b"\n"), first_line):
        if raw and (raw[0] > 32 or raw.strip(_BLANK)):
            yield line, raw
