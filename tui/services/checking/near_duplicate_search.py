"""The search for near duplicates in a whole file, as a worker process runs it."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tui.domain.rows.check_options import CheckOptions
from tui.domain.rows.formats import Format
from tui.domain.rows.similarity import text_to_compare
from tui.services.checking.near_duplicates import near_leaks, near_pairs
from tui.services.checking.passes import example_or_none


@dataclass(frozen=True, slots=True)
class Texts:
    """The compared texts of a file's rows, readable in any process.

    Attributes:
        path: the file.
        starts: byte offset of each row, and of the byte after the last.
        kind: format of the rows.
        options: options of the check.
    """

    path: Path
    starts: array[int]
    kind: Format
    options: CheckOptions

    def reader(self) -> Callable[[int], str]:
        """Open the file; gives a function from a row to its text.

        Raises:
            OSError: the file cannot be read.
        """
        file = self.path.open("rb", buffering=0)

        def read(row: int) -> str:
            file.seek(self.starts[row])
            raw = file.read(self.starts[row + 1] - self.starts[row])
            line = raw.partition(b"\n")[0].removesuffix(b"\r")
            return text_of_row(line, self.kind, self.options)

        return read


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
