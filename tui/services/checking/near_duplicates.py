"""Near duplicates in files of any size: sketches find candidates, then texts are compared.

Rows whose sketches agree in a whole band of bytes are candidates (locality-sensitive hashing).
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, compress, pairwise
from math import ceil, sqrt
from zlib import crc32

from tui.domain.rows.similarity import jaccard, shingles
from tui.services.checking.sketches import NOTHING, SKETCH

SketchBytes = bytes | bytearray
"""Concatenated sketches of rows."""
ReadText = Callable[[int], str]
"""Row -> its whole text."""

_LOWEST_BITS = int.from_bytes(b"\x01" * SKETCH)
_ROW_BITS = 32
_ROW = (1 << _ROW_BITS) - 1
_BANDS = range(8, 2, -1)
"""Bytes that a band may have: the more, the fewer candidates; fewer than 3 find all too many."""
_MISSED = 0.003
"""Share of pairs of exactly the given similarity that the bands may miss."""
_DEVIATIONS = 2.8
"""Standard deviations that the sketches of a pair may agree less than is expected of them."""
_TABLE = 50_000
"""Rows that are sorted at a time: short steps, so that other threads come in between."""
_CROWD = 32
"""Rows of a crowded band that a row is compared with."""
_TRIES = 8
"""Most failed text comparisons per row."""


def near_pairs(
    sketches: SketchBytes,
    read_text: ReadText,
    similarity: float,
    skip: Callable[[int], bool] = lambda row: False,
    is_linked: Callable[[int], bool] = lambda row: False,
) -> Iterator[tuple[int, int]]:
    """Rows that are near duplicates of an earlier row.

    Each row is yielded at most once. The earlier row may itself be nearly the same as one before
    it, so groups are found by following the pairs. The texts of all pairs are compared, so there
    are no false positives; 99 % of the pairs are found where no large group of rows is just
    below the threshold.

    Args:
        sketches: of all rows, as `sketch` made them.
        read_text: row -> its whole text; called for candidates only. An error in it ends the
            search.
        similarity: Jaccard similarity of shingles from which two texts are nearly the same; 0
            for no search. Below 0.6 a growing part of the pairs is missed.
        skip: rows to leave out, such as exact duplicates of others.
        is_linked: rows already linked to an earlier one; others may still be linked to them.

    Yields:
        (row, earlier row), band by band and not in order of the rows.
    """
    side = _Side(sketches, read_text)
    search = _Search(side, side, similarity)
    rows = side.rows(skip)
    search.done[:] = bytes(map(is_linked, range(len(side))))
    for band in search.bands:
        for alike in _groups(_keys(side, rows, band)):
            # Linked rows are counted apart, or many of them would leave no place for others.
            earlier: tuple[list[int], list[int]] = ([], [])
            for row in alike:
                found = None if search.done[row] else search.find(row, chain(*earlier), band)
                if found is not None:
                    yield row, found
                like = earlier[search.done[row]]
                if len(like) < _CROWD:
                    like.append(row)


def near_leaks(
    sketches: SketchBytes,
    read_text: ReadText,
    other_sketches: SketchBytes,
    other_read_text: ReadText,
    similarity: float,
    skip: Callable[[int], bool] = lambda row: False,
) -> Iterator[tuple[int, int]]:
    """Rows that are near duplicates of a row of another file, each at most once.

    Exact duplicates are among them, unless they are skipped.

    Args:
        sketches: of all rows of this file, as `sketch` made them.
        read_text: row of this file -> its whole text.
        other_sketches: of all rows of the other file.
        other_read_text: row of the other file -> its whole text.
        similarity: as in `near_pairs`.
        skip: rows of this file to leave out.

    Yields:
        (row, row of the other file), band by band and not in order of the rows.
    """
    here, there = _Side(sketches, read_text), _Side(other_sketches, other_read_text)
    search = _Search(here, there, similarity)
    rows, other_rows = here.rows(skip), there.rows()
    for band in search.bands:
        # The rows of the other file come first, so each group begins with them.
        keys = _keys(there, other_rows, band)
        keys.extend(_keys(here, rows, band, len(there)))
        for alike in _groups(keys):
            others = [row for row in alike[:_CROWD] if row < len(there)]
            for row in (number - len(there) for number in alike if number >= len(there)):
                other = None if search.done[row] else search.find(row, others, band)
                if other is not None:
                    yield row, other


def candidates(sketches: SketchBytes, targets: Iterable[bytes], similarity: float) -> array[int]:
    """Rows that may be near duplicates of some texts: their sketches agree in a whole band.

    Args:
        sketches: of all rows, as `sketch` made them.
        targets: the sketches of the texts.
        similarity: as in `near_pairs`; 0 for no search.

    Returns:
        The rows, ascending.
    """
    targets = [target for target in targets if target != NOTHING]
    found = bytearray(len(sketches) // SKETCH)
    for band in _bands(similarity) if targets and similarity > 0 else ():
        target_bands = {target[band] for target in targets}
        begins = range(band.start, len(sketches), SKETCH)
        width = band.stop - band.start
        for row, at in enumerate(begins):
            if sketches[at : at + width] in target_bands:
                found[row] = 1
    return array("I", compress(range(len(found)), found))


class _Side:
    """The rows of a file: their sketches, and the shingles of recently read ones."""

    def __init__(self, sketches: SketchBytes, read_text: ReadText) -> None:
        self.sketches = sketches
        self.shingles = lru_cache(_CROWD)(lambda row: shingles(read_text(row)))
        self.sketch = lru_cache(4 * _CROWD)(self._sketch)

    def __len__(self) -> int:
        return len(self.sketches) // SKETCH

    def rows(self, skip: Callable[[int], bool] = lambda row: False) -> array[int]:
        """The rows that have a text and are not skipped."""
        return array(
            "I",
            (
                row
                for row in range(len(self))
                if not self.sketches.startswith(NOTHING, row * SKETCH) and not skip(row)
            ),
        )

    def _sketch(self, row: int) -> int:
        return int.from_bytes(self.sketches[row * SKETCH : (row + 1) * SKETCH])


class _Search:
    """A search for rows of one side that are near duplicates of rows of the other."""

    def __init__(self, here: _Side, there: _Side, similarity: float) -> None:
        self._here = here
        self._there = there
        self._similarity = similarity
        self._most_differing = _most_differing(similarity)
        self._tries = bytearray(len(here))
        self.done = bytearray(len(here))
        self.bands = _bands(similarity) if similarity > 0 else []

    def find(self, row: int, others: Iterable[int], band: slice) -> int | None:
        """The first of some rows of the other side that is a near duplicate of a row, if any."""
        mine = self._here.sketch(row)
        for other in others:
            if self._tries[row] == _TRIES:
                return None
            differing = mine ^ self._there.sketch(other)
            if _differing_bytes(differing) > self._most_differing or _met_before(differing, band):
                continue
            ours = self._here.shingles(row)
            if jaccard(ours, self._there.shingles(other)) >= self._similarity:
                self.done[row] = True
                return other
            self._tries[row] += 1
        return None


def _differing_bytes(bits: int) -> int:
    """How many bytes of a sketch have a bit set; each byte is folded into its lowest bit."""
    bits |= bits >> 4
    bits |= bits >> 2
    bits |= bits >> 1
    return (bits & _LOWEST_BITS).bit_count()


def _met_before(differing: int, band: slice) -> bool:
    """Whether two rows agree in an earlier band, where their texts were compared."""
    width = band.stop - band.start
    whole = differing.to_bytes(SKETCH)
    return any(not any(whole[start : start + width]) for start in range(0, band.start, width))


def _bands(similarity: float) -> list[slice]:
    """The bands of a sketch, as wide as the share of missed pairs allows."""
    width = next(
        (width for width in _BANDS if (1 - similarity**width) ** (SKETCH // width) <= _MISSED),
        _BANDS[-1],
    )
    return [slice(start, start + width) for start in range(0, SKETCH - width + 1, width)]


def _most_differing(similarity: float) -> int:
    """Most bytes in which the sketches of two similar texts differ."""
    spread = sqrt(SKETCH * similarity * (1 - similarity))
    return ceil(SKETCH * (1 - similarity) + _DEVIATIONS * spread)


def _keys(side: _Side, rows: Iterable[int], band: slice, first: int = 0) -> array[int]:
    """Hash of a band of each row, and the row number plus `first`, in one number."""
    begin, end, sketches = band.start, band.stop, side.sketches
    return array(
        "Q",
        (
            crc32(sketches[row * SKETCH + begin : row * SKETCH + end]) << _ROW_BITS | first + row
            for row in rows
        ),
    )


def _groups(keys: array[int]) -> Iterator[list[int]]:
    """Groups of at least two rows whose bands are equal, each ascending."""
    parts = 1 + len(keys) // _TABLE
    tables = [array("Q") for _ in range(parts)]
    put = [table.append for table in tables]
    for key in keys:
        put[(key >> _ROW_BITS) % parts](key)
    for table in tables:
        order = sorted(table)
        bands = [key >> _ROW_BITS for key in order]
        again = [place for place, (a, b) in enumerate(pairwise(bands), 1) if a == b]
        for first, last in _runs(again):
            yield [key & _ROW for key in order[first - 1 : last + 1]]


def _runs(places: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last number of each run of consecutive numbers."""
    breaks = [place for place, (a, b) in enumerate(pairwise(places), 1) if b != a + 1]
    for begin, end in pairwise((0, *breaks, len(places))) if places else ():
        yield places[begin], places[end - 1]
