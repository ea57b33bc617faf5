"""Links between rows of a file, in four bytes per row."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Sequence
from itertools import compress

_AT_ONCE = 250_000
"""Values in a table at a time, which bounds the memory."""


class Links:
    """Rows that point to another row, or to a line of another file."""

    def __init__(self) -> None:
        self._others = array("I")  # the number of the other + 1; 0 where a row points to none
        self._size = 0

    def __len__(self) -> int:
        """Number of rows that point to another."""
        return self._size

    def __contains__(self, row: int) -> bool:
        return row < len(self._others) and self._others[row] > 0

    def get(self, row: int) -> int | None:
        """The target of a row; None where it has none."""
        return self._others[row] - 1 if row in self else None

    def set(self, row: int, other: int | None) -> None:
        """Set the target of a row; None removes it."""
        if row >= len(self._others):
            if other is None:
                return
            self._others.frombytes(bytes(4 * (row + 1 - len(self._others))))
        self._size += (other is not None) - (self._others[row] > 0)
        self._others[row] = 0 if other is None else other + 1

    def rows(self) -> array[int]:
        """The rows that point to another, ascending."""
        return array("I", compress(range(len(self._others)), self._others))

    def to_bytes(self) -> bytes:
        """All links as bytes, for `from_bytes`."""
        return self._others.tobytes()

    @classmethod
    def from_bytes(cls, data: bytes | memoryview) -> Links:
        """Links from the bytes that `to_bytes` gave."""
        links = cls()
        links._others.frombytes(data)
        links._size = len(links._others) - links._others.count(0)
        return links


def repeated(values: array[int]) -> Iterator[set[int]]:
    """Sets of the values other than 0 that a column holds more than once."""
    parts = 1 + len(values) // _AT_ONCE
    for part in range(parts):
        seen: set[int] = set()
        twice: set[int] = set()
        for value in values:
            if value % parts == part:
                (twice if value in seen else seen).add(value)
        twice.discard(0)
        if twice:
            yield twice


def rows_of(values: Sequence[int], targets: Collection[int]) -> dict[int, array[int]]:
    """Value -> the rows that have it, ascending, for each target value."""
    rows: dict[int, array[int]] = {}
    for row, value in enumerate(values):
        if value in targets:
            rows.setdefault(value, array("I")).append(row)
    return rows


def in_parts(rows: Sequence[int]) -> Iterator[Sequence[int]]:
    """Rows in slices that a table may hold."""
    for start in range(0, len(rows), _AT_ONCE):
        yield rows[start : start + _AT_ONCE]
