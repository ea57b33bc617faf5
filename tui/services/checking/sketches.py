"""The sketches of a file's rows, from which near duplicates are found."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from tui.services.checking.near_duplicates import SKETCH

_BLOCK = 100_000
"""Rows whose sketches are in memory at a time."""


class Sketches:
    """The sketches of the rows of a file, in a temporary file: 64 MB of a million rows.

    The file goes when nobody uses the object any more. Every method may raise an OSError.
    """

    def __init__(self) -> None:
        self._kept: IO[bytes] | None = None
        self._rows = 0

    def __len__(self) -> int:
        """Rows that have one."""
        return self._rows

    @property
    def path(self) -> Path:
        """The file, for another process."""
        return Path(self._file().name)

    def append(self, sketches: bytes | memoryview) -> None:
        """Add the sketches of the rows that follow."""
        if sketches:
            self._write(self._rows, sketches)
            self._rows += len(sketches) // SKETCH

    def put(self, row: int, sketches: bytes, place: int) -> None:
        """Give a row another one: that at a place in some."""
        self._write(row, sketches[place * SKETCH : (place + 1) * SKETCH])

    def read(self) -> bytes:
        """All of them."""
        return self.path.read_bytes() if self._rows else b""

    def blocks(self) -> Iterator[tuple[int, bytes]]:
        """All of them, many at a time, each time with the number of the first row."""
        file = self._file()
        for first in range(0, self._rows, _BLOCK):
            file.seek(first * SKETCH)
            yield first, file.read(_BLOCK * SKETCH)

    def one(self, row: int) -> bytes:
        """That of a row."""
        file = self._file()
        file.seek(row * SKETCH)
        return file.read(SKETCH)

    def of(self, rows: Iterable[int]) -> bytes:
        """Those of some rows, one behind the other."""
        return b"".join(map(self.one, rows))

    def _file(self) -> IO[bytes]:
        if self._kept is None:
            self._kept = tempfile.NamedTemporaryFile(prefix="ftui-sketches-")  # noqa: SIM115
        return self._kept

    def _write(self, row: int, sketches: bytes | memoryview) -> None:
        file = self._file()
        file.seek(row * SKETCH)
        file.write(sketches)
        file.flush()
