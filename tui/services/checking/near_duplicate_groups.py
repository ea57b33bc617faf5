"""Near duplicates after edits."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial

from tui.services.checking.findings import Findings
from tui.services.checking.near_duplicates import candidates, near_pairs
from tui.services.checking.passes import Status
from tui.services.checking.sketches import Sketches, sketch


def regroup_near_duplicates(
    findings: Findings,
    changed: Collection[int],
    similarity: float,
    read_text: Callable[[int], str],
) -> set[int]:
    """Link rows to earlier near duplicates after some rows changed.

    Args:
        findings: the findings on the file; `near` is updated.
        changed: rows whose text changed, that were excluded or restored, or that became or ceased
            to be exact duplicates.
        similarity: Jaccard similarity from which two texts are near duplicates.
        read_text: row -> the text that is compared.

    Returns:
        The rows whose status may have changed.
    """
    near = findings.near
    orphans = [row for row in near.rows() if near.get(row) in changed]
    affected = {*changed, *orphans}
    for row in affected:
        near.set(row, None)
    compared = array("I", (row for row in sorted(affected) if _is_compared(findings, row)))
    marks = array("Q", (findings.marks[row] for row in compared))
    add_sketches(
        findings.marks, findings.sketches, read_text, marks, partial(_is_compared, findings)
    )
    # Rows that were linked to the same row are mostly alike, which saves a scan of all sketches.
    affected.update(_link(findings, compared, similarity, read_text))
    targets = [findings.sketches.get(row) for row in compared if row in changed or row not in near]
    if targets:
        candidate_rows = array("I")
        for first, sketches in findings.sketches.blocks():
            rows = (first + place for place in candidates(sketches, targets, similarity))
            candidate_rows.extend(row for row in rows if _is_compared(findings, row))
        affected.update(_link(findings, candidate_rows, similarity, read_text))
    return affected


def add_sketches(
    marks: array[int],
    sketches: Sketches,
    read_text: Callable[[int], str],
    wanted: array[int],
    is_compared: Callable[[int], bool] = lambda row: True,
) -> None:
    """Sketch the rows that have one of some marks, unless they have a sketch.

    Args:
        marks: the mark of each row of a file.
        sketches: the sketches of its rows; more are added.
        read_text: row -> its text.
        wanted: the marks.
        is_compared: whether a row takes part in the comparison.
    """
    # Loaded on the first edit: the first paint does not need it.
    from tui.services.checking.sketch_bands import rows_sharing

    alike = rows_sharing(marks, bytes(len(marks)), wanted)
    rows = sketches.missing(filter(is_compared, alike))
    sketches.add(rows, sketch([*map(read_text, rows)]))


def _link(
    findings: Findings, rows: Sequence[int], similarity: float, read_text: Callable[[int], str]
) -> Iterator[int]:
    """Link ascending rows to earlier ones among them; yields those that were not linked before."""
    near = findings.near
    pairs = near_pairs(
        findings.sketches.get_many(rows),
        lambda place: read_text(rows[place]),
        similarity,
        is_linked=lambda place: rows[place] in near,
    )
    for place, earlier in pairs:
        near.set(rows[place], rows[earlier])
        yield rows[place]


def _is_compared(findings: Findings, row: int) -> bool:
    """Whether a row takes part: not an excluded or invalid one, nor an exact duplicate."""
    return (
        findings.fingerprints[row] > 0
        and findings.status[row] != Status.EXCLUDED
        and row not in findings.same
    )
