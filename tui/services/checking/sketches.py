"""Sketches of rows, from which near duplicates are found.

A sketch is 64 bytes: the low byte of each of 64 MinHashes (Broder 1997; Li and König 2010), so two
sketches agree in about as large a part of their bytes as their texts share shingles.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from struct import Struct
from typing import IO, Final

SKETCH: Final = 64
"""Bytes of a sketch."""
NOTHING: Final = bytes(SKETCH)
"""The sketch of an empty text and of an unreadable row: it matches no other."""

_SEED = 7
_DIGEST = Struct(f"<{SKETCH}I")
"""A MinHash of 32 bits each; every fourth byte is the low byte of one."""
_LONGEST = 200_000
"""Characters of a text that its sketch is made of; the exact comparison reads all of it."""
_TOGETHER = 100_000
"""Characters of texts that are hashed at a time, and of what separates them."""
_BLOCK = 100_000
"""Rows whose sketches are in memory at a time."""


def sketch(texts: Sequence[str]) -> bytes:
    """The sketches of texts: 64 bytes per text, the same in every process."""
    return b"".join(_sketch(part) for part in _parts([text[:_LONGEST] for text in texts]))


def _parts(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Texts, as many at a time as the hashes of their characters fit into a processor's cache."""
    first, size = 0, 0
    for place, text in enumerate(texts):
        size += 2 + len(text)
        if size > _TOGETHER:
            yield texts[first : place + 1]
            first, size = place + 1, 0
    if first < len(texts):
        yield texts[first:]


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
    """The sketches of the rows of a file, in a temporary file: 64 MB of a million rows.

    The file is removed with the object. Every method may raise an OSError.
    """

    def __init__(self) -> None:
        self._handle: IO[bytes] | None = None
        self._rows = 0

    def __len__(self) -> int:
        """Number of rows."""
        return self._rows

    @property
    def path(self) -> Path:
        """The file, for worker processes."""
        return Path(self._file().name)

    def append(self, sketches: bytes | memoryview) -> None:
        """Add the sketches of the rows that follow."""
        if sketches:
            self._write(self._rows, sketches)
            self._rows += len(sketches) // SKETCH

    def replace(self, row: int, sketches: bytes, place: int) -> None:
        """Replace the sketch of a row by the one at a position in some."""
        self._write(row, sketches[place * SKETCH : (place + 1) * SKETCH])

    def read(self) -> bytes:
        """All sketches."""
        return self.path.read_bytes() if self._rows else b""

    def blocks(self) -> Iterator[tuple[int, bytes]]:
        """Blocks of sketches, each with the number of its first row."""
        file = self._file()
        for first in range(0, self._rows, _BLOCK):
            file.seek(first * SKETCH)
            yield first, file.read(_BLOCK * SKETCH)

    def get(self, row: int) -> bytes:
        """The sketch of a row."""
        file = self._file()
        file.seek(row * SKETCH)
        return file.read(SKETCH)

    def get_many(self, rows: Iterable[int]) -> bytes:
        """The sketches of some rows, concatenated."""
        return b"".join(map(self.get, rows))

    def _file(self) -> IO[bytes]:
        if self._handle is None:
            self._handle = tempfile.NamedTemporaryFile(prefix="ftui-sketches-")  # noqa: SIM115
        return self._handle

    def _write(self, row: int, sketches: bytes | memoryview) -> None:
        file = self._file()
        file.seek(row * SKETCH)
        file.write(sketches)
        file.flush()
