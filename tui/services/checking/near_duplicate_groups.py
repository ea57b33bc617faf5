"""Rows that say nearly the same, kept right while a person changes rows."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterator, Sequence

from tui.services.checking.findings import Findings
from tui.services.checking.near_duplicates import candidates, near_pairs
from tui.services.checking.passes import Status


def tie_near_anew(
    found: Findings,
    changed: Collection[int],
    similarity: float,
    read_text: Callable[[int], str],
) -> set[int]:
    """Tie rows to earlier ones that say nearly the same, after some rows were changed.

    Args:
        found: what is known of the rows; `near` is brought up to date in it.
        changed: rows with another text, that were left out or taken back, or that do or do not
            say exactly the same as an earlier row any more.
        similarity: from which two texts are nearly the same.
        read_text: row -> the text of it that is compared.

    Returns:
        The rows that may stand otherwise than before.
    """
    near = found.near
    orphans = [row for row in near.rows() if near.get(row) in changed]
    seen = {*changed, *orphans}
    for row in seen:
        near.put(row, None)
    wanted = array("I", (row for row in sorted(seen) if _is_compared(found, row)))
    # Those that lost the same row are mostly alike: that spares the look over the whole file.
    seen.update(_tie(found, wanted, similarity, read_text))
    sought = [found.sketches.one(row) for row in wanted if row in changed or row not in near]
    if sought:
        alike = array("I")
        for first, some in found.sketches.blocks():
            rows = (first + place for place in candidates(some, sought, similarity))
            alike.extend(row for row in rows if _is_compared(found, row))
        seen.update(_tie(found, alike, similarity, read_text))
    return seen


def _tie(
    found: Findings, rows: Sequence[int], similarity: float, read_text: Callable[[int], str]
) -> Iterator[int]:
    """Tie some rows, rising, to earlier ones among them; yields those that were not tied before."""
    near = found.near
    pairs = near_pairs(
        found.sketches.of(rows),
        lambda place: read_text(rows[place]),
        similarity,
        tied=lambda place: rows[place] in near,
    )
    for place, earlier in pairs:
        near.put(rows[place], rows[earlier])
        yield rows[place]


def _is_compared(found: Findings, row: int) -> bool:
    """Whether near duplicates of a row count: not of one left out, invalid or a duplicate."""
    return found.prints[row] > 0 and found.status[row] != Status.EXCLUDED and row not in found.same
