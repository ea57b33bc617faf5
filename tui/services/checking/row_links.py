"""Which rows of a file belong together: four bytes a row, whatever stands in the file."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Sequence
from itertools import compress

_AT_ONCE = 250_000
"""Values that are held in a table at a time, so that memory stays small in any file."""


class Links:
    """Rows that point to another row, or to a line of another file."""

    def __init__(self) -> None:
        self._others = array("I")  # the number of the other + 1; 0 where a row points to none
        self._size = 0

    def __len__(self) -> int:
        """How many rows point to another."""
        return self._size

    def __contains__(self, row: int) -> bool:
        return row < len(self._others) and self._others[row] > 0

    def get(self, row: int) -> int | None:
        """What a row points to; None where it points to none."""
        return self._others[row] - 1 if row in self else None

    def put(self, row: int, other: int | None) -> None:
        """Let a row point to another; None lets it point to none."""
        if row >= len(self._others):
            if other is None:
                return
            self._others.frombytes(bytes(4 * (row + 1 - len(self._others))))
        self._size += (other is not None) - (self._others[row] > 0)
        self._others[row] = 0 if other is None else other + 1

    def rows(self) -> array[int]:
        """The rows that point to another, rising."""
        return array("I", compress(range(len(self._others)), self._others))

    def column(self) -> bytes:
        """All of it as bytes, for `from_column`."""
        return self._others.tobytes()

    @classmethod
    def from_column(cls, column: bytes | memoryview) -> Links:
        """What `column` gave, as links again."""
        links = cls()
        links._others.frombytes(column)
        links._size = len(links._others) - links._others.count(0)
        return links


def repeated(values: array[int]) -> Iterator[set[int]]:
    """The values that stand in a column more than once, 0 apart, some at a time."""
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


def rows_of(values: Sequence[int], wanted: Collection[int]) -> dict[int, array[int]]:
    """The rows that have each of the wanted values, rising."""
    found: dict[int, array[int]] = {}
    for row, value in enumerate(values):
        if value in wanted:
            found.setdefault(value, array("I")).append(row)
    return found


def in_parts(rows: Sequence[int]) -> Iterator[Sequence[int]]:
    """Rows, as many at a time as a table may hold."""
    for start in range(0, len(rows), _AT_ONCE):
        yield rows[start : start + _AT_ONCE]
