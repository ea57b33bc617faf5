"""Near duplicates in files of any size: sketches find candidates, then texts are compared.

Rows whose sketches agree in a whole band of bytes are candidates (locality-sensitive hashing).
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import chain
from math import ceil, sqrt

from tui.domain.rows.similarity import jaccard, shingles
from tui.services.checking.sketches import NOTHING, SKETCH

SketchBytes = bytes | bytearray
"""Concatenated sketches of rows."""
ReadText = Callable[[int], str]
"""Row -> its whole text."""

_LOWEST_BITS = int.from_bytes(b"\x01" * SKETCH)
_BANDS = range(8, 2, -1)
"""Bytes that a band may have: the more, the fewer candidates; fewer than 3 find all too many."""
_MISSED = 0.003
"""Share of pairs of exactly the given similarity that the bands may miss."""
_DEVIATIONS = 2.8
"""Standard deviations that the sketches of a pair may agree less than is expected of them."""
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
    # Loaded on the first search: the first paint does not need it.
    from tui.services.checking.sketch_bands import bands_of, groups

    side = _Side(sketches, read_text)
    search = _Search(side, side, similarity)
    rows = side.rows(skip)
    search.done[:] = bytes(map(is_linked, range(len(side))))
    for band in search.bands:
        for places in groups(bands_of(sketches, rows, band)):
            # Linked rows are counted apart, or many of them would leave no place for others.
            earlier: tuple[list[int], list[int]] = ([], [])
            for row in map(rows.__getitem__, places):
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
    from tui.services.checking.sketch_bands import bands_of, groups

    here, there = _Side(sketches, read_text), _Side(other_sketches, other_read_text)
    search = _Search(here, there, similarity)
    rows, other_rows = here.rows(skip), there.rows()
    for band in search.bands:
        # The rows of the other file come first, so each group begins with them.
        there_bands, bands = (
            bands_of(other_sketches, other_rows, band),
            bands_of(sketches, rows, band),
        )
        for places in groups(there_bands, bands):
            others = [other_rows[place] for place in places[:_CROWD] if place < len(other_rows)]
            for row in (
                rows[place - len(other_rows)] for place in places if place >= len(other_rows)
            ):
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
    from tui.services.checking.sketch_bands import agreeing, bands_of

    wanted = b"".join(target for target in targets if target != NOTHING)
    rows, wanted_rows = range(len(sketches) // SKETCH), range(len(wanted) // SKETCH)
    found: set[int] = set()
    for band in _bands(similarity) if wanted and similarity > 0 else ():
        target_bands = bands_of(wanted, wanted_rows, band)
        found.update(agreeing(bands_of(sketches, rows, band), target_bands))
    return array("I", sorted(found))


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
        from tui.services.checking.sketch_bands import rows_with_text

        return array("I", (row for row in rows_with_text(self.sketches) if not skip(row)))

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
