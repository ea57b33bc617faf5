"""A line diff of a row before and after a change, for a preview."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from tui.domain.rows.parsing import BOM, parse

LONGEST_DIFF = 400
"""Maximum number of lines of a diff."""
LONGEST_LINE = 400
"""Maximum length of a line in characters."""
_AROUND = 3
_SHOWN = {"byte-order-mark", "not-a-number"}
"""Problems that do not prevent a row from being shown indented."""
_BEFORE_CHANGE = 60
_COMPARED = 1_000_000
"""Maximum number of line pairs to compare; beyond it, differing lines are shown as replaced."""


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line of a diff; its text is untrusted and not yet scrubbed."""

    kind: Literal["same", "removed", "added"]
    text: str


CUT = DiffLine("same", "…")
"""Marks omitted lines."""


def pretty_row(raw: bytes) -> str | None:
    """A row as indented JSON; None where that would hide something, or it is not JSON.

    Duplicate keys and invalid UTF-8 are visible in the raw row only. NaN is kept.
    """
    value, findings = parse(raw)
    if not isinstance(value, dict | list) or not {code for code, _, _ in findings} <= _SHOWN:
        return None
    try:
        # The standard library keeps whole numbers of any size as they are, and NaN.
        text = json.dumps(json.loads(raw.removeprefix(BOM)), indent=2, ensure_ascii=False)
        text.encode()  # a lone surrogate next to NaN is not reported
        return text
    except (ValueError, RecursionError):
        return None


def row_diff(before: bytes, after: bytes) -> list[DiffLine]:
    """The lines of a row that a change removes and adds, with some lines of context.

    Both rows are compared as indented JSON, or raw where one of them is not JSON or where their
    JSON is equal. The length of the diff is bounded; omitted lines are marked by `CUT`.
    """
    old, new = pretty_row(before), pretty_row(after)
    if old is None or new is None or old == new:
        old, new = (raw.decode(errors="backslashreplace") for raw in (before, after))
    lines = list(_changes(old.split("\n"), new.split("\n")))
    if len(lines) > LONGEST_DIFF:
        lines = [*lines[: LONGEST_DIFF - 1], CUT]
    return lines


def _changes(old: Sequence[str], new: Sequence[str]) -> Iterator[DiffLine]:
    """Groups of changes; common prefix and suffix are skipped first, for long rows."""
    head = _equal(old, new)
    tail = min(_equal(old[::-1], new[::-1]), len(old) - head, len(new) - head)
    if head == len(old) == len(new):
        return
    if head > _AROUND:
        yield CUT
    yield from _same(old[max(0, head - _AROUND) : head])
    yield from _middle(old[head : len(old) - tail], new[head : len(new) - tail])
    yield from _same(old[len(old) - tail :][:_AROUND])
    if tail > _AROUND:
        yield CUT


def _equal(first: Sequence[str], second: Sequence[str]) -> int:
    """Length of the common prefix in lines."""
    for count, (left, right) in enumerate(zip(first, second, strict=False)):
        if left != right:
            return count
    return min(len(first), len(second))


def _middle(old: Sequence[str], new: Sequence[str]) -> Iterator[DiffLine]:
    if len(old) * len(new) > _COMPARED:
        yield from _replaced(old, new)
        return
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for tag, first, end, new_first, new_end in matcher.get_opcodes():
        if tag != "equal":
            yield from _replaced(old[first:end], new[new_first:new_end])
        elif end - first > 2 * _AROUND:
            yield from _same(old[first : first + _AROUND])
            yield CUT
            yield from _same(old[end - _AROUND : end])
        else:
            yield from _same(old[first:end])


def _same(lines: Sequence[str]) -> Iterator[DiffLine]:
    for line in lines:
        yield DiffLine("same", _clip(line, 0))


def _replaced(old: Sequence[str], new: Sequence[str]) -> Iterator[DiffLine]:
    """Removed and added lines; of long lines the part around the first difference."""
    starts = [0] * max(len(old), len(new))
    for index, (left, right) in enumerate(zip(old, new, strict=False)):
        if max(len(left), len(right)) > LONGEST_LINE:
            starts[index] = max(0, _first_difference(left, right) - _BEFORE_CHANGE)
    for line, start in zip(old[:LONGEST_DIFF], starts, strict=False):
        yield DiffLine("removed", _clip(line, start))
    for line, start in zip(new[:LONGEST_DIFF], starts, strict=False):
        yield DiffLine("added", _clip(line, start))


def _first_difference(left: str, right: str) -> int:
    """Length of the common prefix in characters, found by bisection."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left.startswith(right[:middle]):
            low = middle
        else:
            high = middle - 1
    return low


def _clip(line: str, start: int) -> str:
    shown = line[start : start + LONGEST_LINE]
    cut = start + LONGEST_LINE < len(line)
    return f"{'…' if start else ''}{shown}{'…' if cut else ''}"
