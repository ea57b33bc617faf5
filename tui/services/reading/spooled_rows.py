"""Rows that are not lines of UTF-8: unpacked, decoded and cut block by block into a spool file.

The spool is a temporary file of JSON Lines. Blank lines in it keep every row on its line of the
source.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
import threading
import time
import weakref
from array import array
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tui.domain.rows.encodings import UTF8
from tui.domain.text import number
from tui.services.errors import FileError
from tui.services.reading.decompression import Gunzipped, Plain, Source
from tui.services.reading.recoding import Recoded
from tui.services.reading.reshaping import Reshaped
from tui.services.reading.row_file import BLOCK, Container, RowFile

MIN_FREE = 256 << 20
"""Bytes of free disk space that unpacking leaves."""
_FIRST_BLOCK = 1 << 16
"""Bytes of the first block; the size doubles, so that the first rows come soon."""
_PREFIX = "ftui-rows-"
_BATCH = 1000
_LOCK_SECONDS = 60
"""Age in seconds below which a spool may not be locked yet."""


class Spool:
    """A temporary file for rows, removed with the object.

    It is locked while in use, so that files left by a killed process can be recognised and removed.
    """

    def __init__(self) -> None:
        """Create the file.

        Raises:
            OSError: it cannot be created.
        """
        self.handle, name = tempfile.mkstemp(prefix=_PREFIX, suffix=".jsonl")
        self.path = Path(name)
        self.size = 0
        weakref.finalize(self, _remove, self.path, self.handle)
        fcntl.flock(self.handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def append(self, data: bytes) -> None:
        """Append data.

        Raises:
            OSError: the disk is full, or nearly so.
        """
        free = shutil.disk_usage(self.path.parent).free
        if data and free - len(data) < MIN_FREE:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self.handle, rest) :]
        self.size += len(data)


def _remove(path: Path, handle: int) -> None:
    os.close(handle)
    path.unlink(missing_ok=True)


def remove_leftovers() -> None:
    """Remove the spools of processes that were killed."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*.jsonl"):
        with suppress(OSError), path.open("rb+") as file:  # in use, of another user, or gone by now
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if time.time() - path.stat().st_mtime > _LOCK_SECONDS:
                path.unlink()


class SpooledRows(RowFile):
    """The rows of a file that is unpacked, decoded or cut into lines while it is scanned."""

    def __init__(
        self,
        path: Path,
        cutter: Reshaped,
        container: Container,
        *,
        unpack: Callable[[int, int], Source] = Plain,
        encoding: str = UTF8,
    ) -> None:
        """Open a file; its rows are found by `scan`.

        Args:
            path: the file.
            cutter: what cuts it into rows.
            container: how it holds them.
            unpack: opens its bytes, given the open file and its size.
            encoding: codec of its text.

        Raises:
            OSError: it cannot be read, or the spool cannot be created.
            FileError: what it takes to unpack it is not installed.
        """
        super().__init__(path)
        self.container = container
        self.packed, self.encoding = unpack is Gunzipped, encoding
        # The lines of an unpacked table are not those of its file.
        self.counted_by_element = container is Container.ARROW
        source = unpack(self._handle, self.size)
        self._source = source if encoding == UTF8 else Recoded(source, path, encoding)
        self._cutter = cutter
        self._block_size = _FIRST_BLOCK
        self._ended = False
        self._failure: Exception | None = None
        self._spool_lock = threading.Lock()
        remove_leftovers()
        self._spool = Spool()
        self._data_handle = self._spool.handle

    @property
    def shape(self) -> str:
        """See `RowFile`; known when there is a row."""
        return self._cutter.shape

    @property
    def data_path(self) -> Path:
        """The spool."""
        return self._spool.path

    @property
    def scanned(self) -> int:
        """Bytes of the file read so far."""
        return self._source.consumed

    def read(self, row: int) -> bytes:
        """See `RowFile`."""
        with self._spool_lock:
            return super().read(row)

    def adopt(self, starts: array[int], lines: array[int]) -> bool:
        """See `RowFile`; the spool has to be filled anyway."""
        return False

    def _next_block(self) -> bytes | None:
        if self._failure:
            raise self._failure
        if self._ended:
            return None
        try:
            return self._unpack()
        except OSError as error:
            self._failure = self._explain(error)
            raise self._failure from error
        except FileError as error:
            self._failure = error
            raise

    def _unpack(self) -> bytes:
        block = self._source.next_block(min(self._block_size, BLOCK))
        self._block_size = min(2 * self._block_size, BLOCK)
        self._ended = block is None
        data = self._cutter.finish() if block is None else self._cutter.cut(block)
        if self._ended:
            self._add_remarks()
        if self._cutter.counted_by_element and not self.counted_by_element:
            self._renumber()
        self._spool.append(data)
        return data

    def _explain(self, error: OSError) -> Exception:
        """An error that explains a full disk."""
        if error.errno != errno.ENOSPC:
            return error
        folder = self._spool.path.parent
        sizes = f"{number(self.scanned)} bytes unpacked to {number(self._spool.size)}"
        return FileError(
            f"Unpacking {self.path} needs more space than is free in {folder}: {sizes}.",
            "Free some space, or set TMPDIR to a folder on a larger disk.",
        )

    def _add_remarks(self) -> None:
        if self._source.damage:
            text = f"{self._source.damage}; the rows up to there are shown."
            self.remarks.append(("truncated-container", text))
        self.remarks += self._cutter.remarks

    def _renumber(self) -> None:
        """Number lines by row, once two rows share a line of the source."""
        self.counted_by_element = True
        if self._open_line:
            self._close_line(b"\n")
        spool, starts, size = Spool(), array("Q"), 0
        for first in range(0, len(self), _BATCH):
            rows = [self.read(row) for row in range(first, min(first + _BATCH, len(self)))]
            for raw in rows:
                starts.append(size)
                size += len(raw) + 1
            spool.append(b"\n".join(rows) + b"\n")
        with self._spool_lock:
            self._spool, self._data_handle, self._starts = spool, spool.handle, starts
            self._lines = array("Q", range(1, len(starts) + 1))
            self._scanned, self._line = spool.size, len(starts) + 1
