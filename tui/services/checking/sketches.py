"""Sketches of rows, from which near duplicates are found.

A sketch is 64 bytes: the low byte of each of 64 MinHashes (Broder 1997; Li and König 2010), so two
sketches agree in about as large a part of their bytes as their texts share shingles.
"""

from __future__ import annotations

import os
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from struct import Struct
from typing import IO, Final

from tui.services.workspace.files import Buffer

SKETCH: Final = 64
"""Bytes of a sketch."""
NOTHING: Final = bytes(SKETCH)
"""The sketch of an empty text and of an unreadable row: it matches no other."""

_SEED = 7
_DIGEST = Struct(f"<{SKETCH}I")
"""A MinHash of 32 bits each; every fourth byte is the low byte of one."""
_LONGEST = 200_000
"""Characters of a text that its sketch is made of; the exact comparison reads all of it."""
_BLOCK = 100_000
"""Rows whose sketches are in memory at a time."""


def sketch(texts: Sequence[str]) -> bytes:
    """The sketches of texts: 64 bytes per text, the same in every process."""
    # Loaded on the first check: the first paint does not need it.
    from tui.services.checking.word_tables import text_parts

    return b"".join(_sketch(part) for part in text_parts([text[:_LONGEST] for text in texts]))


def _sketch(texts: Sequence[str]) -> bytes:
    # Loaded on the first check: the first paint does not need them.
    from rensa import RMinHash

    from tui.services.checking.shingle_hashes import hash_shingles

    hashes, offsets = hash_shingles(texts)
    digests = RMinHash.digest_matrix_from_flat_token_hashes(hashes, offsets, SKETCH, _SEED)
    return b"".join(
        _DIGEST.pack(*digest)[::4] if begin < end else NOTHING
        for digest, (begin, end) in zip(digests.to_rows(), pairwise(offsets), strict=True)
    )


class Sketches:
    """The sketches of some rows of a file, in a temporary file: at most 64 MB of a million rows.

    The file is removed with the object. Every method may raise an OSError.
    """

    def __init__(self) -> None:
        self._handle: IO[bytes] | None = None

    @property
    def path(self) -> Path:
        """The file, for worker processes: a sketch per row, empty where there is none."""
        return Path(self._file().name)

    def add(self, rows: Sequence[int], sketches: Buffer) -> None:
        """Add the sketches of ascending rows."""
        view, file = memoryview(sketches), self._file().fileno()
        for begin, end in _runs(rows):
            os.pwrite(file, view[begin * SKETCH : end * SKETCH], rows[begin] * SKETCH)

    def missing(self, rows: Iterable[int]) -> array[int]:
        """The rows among some that have no sketch."""
        return array("I", (row for row in rows if self.get(row) == NOTHING))

    def blocks(self) -> Iterator[tuple[int, bytes]]:
        """Blocks of sketches, each with the number of its first row."""
        file, first = self._file().fileno(), 0
        while block := os.pread(file, _BLOCK * SKETCH, first * SKETCH):
            yield first, block
            first += _BLOCK

    def read(self) -> bytes:
        """The sketches of all rows up to the last one that has any."""
        return b"".join(block for _, block in self.blocks())

    def rows(self) -> array[int]:
        """The rows that have a sketch, ascending."""
        rows = array("I")
        for first, block in self.blocks():
            places = range(0, len(block), SKETCH)
            rows.extend(
                first + row
                for row, place in enumerate(places)
                if block[place : place + SKETCH] != NOTHING
            )
        return rows

    def get(self, row: int) -> bytes:
        """The sketch of a row."""
        return os.pread(self._file().fileno(), SKETCH, row * SKETCH).ljust(SKETCH, b"\0")

    def get_many(self, rows: Iterable[int]) -> bytes:
        """The sketches of some rows, concatenated."""
        return b"".join(map(self.get, rows))

    def _file(self) -> IO[bytes]:
        if self._handle is None:
            self._handle = tempfile.NamedTemporaryFile(prefix="ftui-sketches-", buffering=0)  # noqa: SIM115
        return self._handle


def _runs(rows: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The places where runs of consecutive rows begin and end."""
    begin = 0
    for end in range(1, len(rows) + 1):
        if end == len(rows) or rows[end] != rows[end - 1] + 1:
            yield begin, end
            begin = end
