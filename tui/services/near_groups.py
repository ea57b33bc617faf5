"""Rows that say nearly the same, kept right while a person changes rows."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection

from tui.services.findings import Findings
from tui.services.near_duplicates import candidates, near_pairs
from tui.services.row_checks import Status


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
    near, sketches = found.near, found.sketches
    orphans = [row for row in near.rows() if near.get(row) in changed]
    seen = {*changed, *orphans}
    for row in seen:
        near.put(row, None)
    wanted = [row for row in seen if _is_compared(found, row)]
    if not wanted:
        return seen
    alike = candidates(sketches.read(), map(sketches.one, wanted), similarity)
    rows = array("I", (row for row in alike if _is_compared(found, row)))
    pairs = near_pairs(
        sketches.of(rows),
        lambda place: read_text(rows[place]),
        similarity,
        tied=lambda place: rows[place] in near,
    )
    for place, earlier in pairs:
        near.put(rows[place], rows[earlier])
        seen.add(rows[place])
    return seen


def _is_compared(found: Findings, row: int) -> bool:
    """Whether near duplicates of a row count: not of one left out, invalid or a duplicate."""
    return found.prints[row] > 0 and found.status[row] != Status.EXCLUDED and row not in found.same
