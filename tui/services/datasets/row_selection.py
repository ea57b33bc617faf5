"""The rows of an open file that a filter lets through, in the order a person asked for."""

from __future__ import annotations

import asyncio
import time
from array import array
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from operator import and_
from pathlib import Path
from typing import Protocol

from tui.domain.rows.edits import Edits
from tui.domain.rows.filter import Order, RowFilter, text_finder
from tui.domain.rows.problems import KINDS
from tui.services.checking.passes import Status
from tui.services.workspace.files import explain

_PAUSE = 0.2
"""Seconds between two selections that are told while the search goes on."""
_MOMENT = 0.01
"""Seconds that the search goes on without looking up."""
_FEW = 50
"""Where fewer than one row in so many is asked for, each is read alone."""
_WORSE = 1 << 16
"""More than the problems of any row: a row with an error stands after all others."""

_STATES: Mapping[str, Status] = {
    "ok": Status.OK,
    "warned": Status.WARNED,
    "invalid": Status.INVALID,
}


class Rows(Protocol):
    """What is asked of an open file, pending edits included; `Dataset` is one."""

    @property
    def path(self) -> Path:
        """The file."""

    @property
    def edits(self) -> Edits:
        """What a person changed and has not written yet."""

    def __len__(self) -> int:
        """Rows found so far."""

    def blocks(self) -> Iterator[tuple[int, list[bytes]]]:
        """The rows as they stand in the source, many at a time, with the number of the first.

        Raises:
            OSError: the file cannot be read any more.
        """

    def current_raw(self, row: int) -> bytes:
        """The bytes of one row.

        Raises:
            OSError: the file cannot be read any more.
        """

    def statuses(self) -> Sequence[int]:
        """How each row stands: a `Status` a row, fewer where not all are known yet."""

    def token_counts(self) -> Sequence[int]:
        """Tokens of each row, fewer rows where not all are known yet."""

    def lengths(self) -> Sequence[int]:
        """Characters of each row's last answer, fewer rows where not all are known yet."""

    def rows_with(self, code: str) -> Sequence[int]:
        """The rows that have a problem, rising."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows that were found so far.

    Attributes:
        rows: their numbers in the order that was asked for.
        share: part of the file that was searched, 0 to 1; 1 in the last one.
        searched: rows that were searched.
        seconds: time since the start.
    """

    rows: Sequence[int]
    share: float
    searched: int
    seconds: float


async def select(
    dataset: Rows, wanted: RowFilter, order: Order = Order.LINE, descending: bool = False
) -> AsyncIterator[Selection]:
    """Find the rows that a filter lets through.

    Conditions on codes and states are answered at once from what the check found. A text is looked
    for in the rows themselves as they are with pending edits, in a thread; what is found comes a
    few times a second, and whoever stops asking stops the search.

    Args:
        dataset: the open file; rows found later are not looked at.
        wanted: the conditions.
        order: what the rows are sorted by; equal ones stay by line.
        descending: whether the highest come first: with `Order.PROBLEMS` the rows with errors,
            then those with most problems.

    Raises:
        FileError: the file cannot be read any more.
    """
    began, total = time.monotonic(), len(dataset)
    keys = await asyncio.to_thread(_KEYS[order], dataset) if order in _KEYS else None

    async def selection(found: Sequence[int], searched: int) -> Selection:
        rows = await asyncio.to_thread(_in_order, keys, found, descending)
        share = searched / total if total else 1.0
        return Selection(rows, share, searched, time.monotonic() - began)

    mask = await asyncio.to_thread(_mask, dataset, wanted, total)
    if not wanted.text:
        every = not (wanted.codes or wanted.states)
        found = range(total) if every else array("I", compress(range(total), mask))
        yield await selection(found, total)
        return
    search = _Search(dataset, mask, wanted.text)
    told = time.monotonic()
    try:
        while await asyncio.to_thread(search.step):
            if time.monotonic() - told > _PAUSE:
                yield await selection(search.found[:], search.searched)
                told = time.monotonic()
    except OSError as error:
        raise explain(error, dataset.path) from error
    yield await selection(search.found, total)


class _Search:
    """Looks for a text in the rows of a mask, a moment at a time.

    Attributes:
        found: the rows that hold it, rising.
        searched: rows of the file that were passed.
    """

    def __init__(self, dataset: Rows, mask: bytes, text: str) -> None:
        self.found = array("I")
        self.searched = 0
        self._mask = mask
        self._find = text_finder(text)
        pending = dataset.edits.pending.items()
        self._edited = {row: edit.raw for row, edit in pending if edit.raw is not None}
        self._blocks = _blocks(dataset, mask)

    def step(self) -> bool:
        """Search for a moment; False where nothing is left."""
        until = time.monotonic() + _MOMENT
        for first, raws in self._blocks:
            self._look(first, raws)
            if time.monotonic() > until:
                return True
        return False

    def _look(self, first: int, raws: list[bytes]) -> None:
        self.searched = min(first + len(raws), len(self._mask))
        wanted = self._mask[first : self.searched]
        if self._edited or 0 in wanted:
            now = map(self._edited.get, range(first, self.searched), raws)
            raws = [raw if asked else b"" for raw, asked in zip(now, wanted, strict=False)]
        self.found.extend(first + place for place in self._find(raws[: len(wanted)]))


def _blocks(dataset: Rows, mask: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """The rows to search: all of them, or each alone where they are few."""
    if mask.count(1) * _FEW > len(mask):
        return dataset.blocks()
    rows = compress(range(len(mask)), mask)
    return ((row, [dataset.current_raw(row)]) for row in rows)


def _mask(dataset: Rows, wanted: RowFilter, total: int) -> bytes:
    """A byte for each row: 1 where the conditions hold that the check answers, otherwise 0."""
    mask = b"\1" * total
    if wanted.states:
        mask = _having_states(dataset, wanted.states, total)
    if wanted.codes:
        mask = bytes(map(and_, mask, _having_codes(dataset, wanted.codes, total)))
    return mask


def _having_states(dataset: Rows, states: frozenset[str], total: int) -> bytes:
    asked = {_STATES[state] for state in states if state in _STATES}
    table = bytes(status in asked for status in range(256))
    mask = bytearray(bytes(dataset.statuses()[:total]).translate(table).ljust(total, b"\0"))
    for row, edit in dataset.edits.pending.items():
        if ("excluded" if edit.excluded else "edited") in states and row < total:
            mask[row] = 1
    return bytes(mask)


def _having_codes(dataset: Rows, codes: frozenset[str], total: int) -> bytes:
    mask = bytearray(total)
    for code in codes:
        for row in dataset.rows_with(code):
            if row < total:
                mask[row] = 1
    return bytes(mask)


def _in_order(keys: Sequence[int] | None, rows: Sequence[int], descending: bool) -> Sequence[int]:
    """Rising rows by their keys, or by line where there are none; equal ones stay as they are."""
    if keys is None:
        return rows[::-1] if descending else rows
    return sorted_by(keys, rows, descending)


def sorted_by(keys: Sequence[int], rows: Sequence[int], descending: bool) -> Sequence[int]:
    """Rows by their keys; equal ones stay as they are.

    Rows of one key are gathered, then the gathered: that takes four bytes a row and lets other
    threads on, where `sorted` would hold them up.

    Args:
        keys: one a row of the file; rows beyond its end count as 0.
        rows: what is sorted.
        descending: whether the highest come first.
    """
    gathered: dict[int, array[int]] = defaultdict(lambda: array("I"))
    known = len(keys)
    for row in rows:
        gathered[keys[row] if row < known else 0].append(row)
    ordered = array("I")
    for key in sorted(gathered, reverse=descending):
        ordered += gathered[key]
    return ordered


def _badness(dataset: Rows) -> Sequence[int]:
    """How bad each row is: any error is worse than all warnings, then the number counts."""
    keys = array("I", bytes(4 * len(dataset)))
    for row, status in enumerate(dataset.statuses()):
        if status == Status.INVALID:
            keys[row] = _WORSE
    for code in KINDS:
        for row in dataset.rows_with(code):
            keys[row] += 1
    return keys


_KEYS: Mapping[Order, Callable[[Rows], Sequence[int]]] = {
    Order.PROBLEMS: _badness,
    Order.TOKENS: lambda dataset: dataset.token_counts(),
    Order.LENGTH: lambda dataset: dataset.lengths(),
}
