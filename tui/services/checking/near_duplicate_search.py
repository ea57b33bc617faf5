"""The search for near duplicates in a whole file, as a worker process runs it."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from tui.domain.rows.check_options import CheckOptions
from tui.domain.rows.formats import Format
from tui.domain.rows.similarity import text_to_compare
from tui.services.checking.near_duplicates import near_leaks, near_pairs
from tui.services.checking.passes import example_or_none
from tui.services.checking.sketches import sketch

_TOGETHER = 2000
"""Rows that are sketched at a time."""


@dataclass(frozen=True, slots=True)
class Texts:
    """The compared texts of a file's rows, readable in any process.

    Attributes:
        path: the file.
        starts: byte offset of each row, and of the byte after the last.
        kind: format of the rows.
        options: options of the check.
        first: number of the first row.
    """

    path: Path
    starts: array[int]
    kind: Format
    options: CheckOptions
    first: int = 0

    def between(self, first: int, last: int) -> Texts:
        """The texts of the rows from `first` to `last`."""
        starts = self.starts[first - self.first : last - self.first + 2]
        return replace(self, starts=starts, first=first)

    def reader(self) -> Callable[[int], str]:
        """Open the file; gives a function from a row to its text.

        Raises:
            OSError: the file cannot be read.
        """
        file = self.path.open("rb", buffering=0)

        def read(row: int) -> str:
            start, end = self.starts[row - self.first : row - self.first + 2]
            file.seek(start)
            raw = file.read(end - start)
            line = raw.partition(b"\n")[0].removesuffix(b"\r")
            return text_of_row(line, self.kind, self.options)

        return read


class RowsToSketch(NamedTuple):
    """Rows of a file and the texts from the first to the last of them."""

    rows: array[int]
    texts: Texts


def rows_to_sketch(rows: array[int], texts: Texts) -> Iterator[RowsToSketch]:
    """Ascending rows in parts for worker processes."""
    for begin in range(0, len(rows), _TOGETHER):
        part = rows[begin : begin + _TOGETHER]
        yield RowsToSketch(part, texts.between(part[0], part[-1]))


def read_sketches(part: RowsToSketch) -> bytes:
    """The sketches of rows.

    Raises:
        OSError: the file cannot be read.
    """
    read = part.texts.reader()
    return sketch([read(row) for row in part.rows])


@dataclass(frozen=True, slots=True)
class NearSearch:
    """A search over a whole file.

    Attributes:
        sketches: file of the sketches.
        texts: the texts of the rows.
        left_out: one byte per row, 0 where the row is compared.
        similarity: Jaccard similarity from which two texts are near duplicates.
        other: sketches and texts of the file to compare with; None for the file itself.
    """

    sketches: Path
    texts: Texts
    left_out: bytes
    similarity: float
    other: tuple[Path, Texts] | None = None


class Edges:
    """Pairs of near duplicates; eight bytes per pair."""

    def __init__(self, pairs: Iterable[tuple[int, int]] = ()) -> None:
        self.rows = array("I")
        self.others = array("I")
        for row, other in pairs:
            self.rows.append(row)
            self.others.append(other)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self.rows, self.others, strict=True)


def search_near(search: NearSearch) -> Edges:
    """Pairs of a row and its near duplicate: an earlier row, or one of the other file.

    Raises:
        OSError: a file cannot be read.
    """
    sketches = search.sketches.read_bytes()
    read, skip = search.texts.reader(), lambda row: search.left_out[row] > 0
    if search.other is None:
        pairs = near_pairs(sketches, read, search.similarity, skip)
    else:
        path, texts = search.other
        pairs = near_leaks(
            sketches, read, path.read_bytes(), texts.reader(), search.similarity, skip
        )
    return Edges(pairs)


def text_of_row(raw: bytes, kind: Format, options: CheckOptions) -> str:
    """The compared text of a row; empty where it has errors."""
    example = example_or_none(raw, 0, kind, options)
    return text_to_compare(example) if example else ""
