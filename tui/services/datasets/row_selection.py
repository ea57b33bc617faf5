"""The rows of an open file that match a filter, sorted."""

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

_REPORT_SECONDS = 0.2
"""Seconds between two partial results of a search."""
_STEP_SECONDS = 0.01
"""Seconds of a step of the search."""
_FEW = 50
"""Where fewer than one row in so many is searched, each is read by itself."""
_WORSE = 1 << 16
"""More than the problems of any row, so that invalid rows come after all others."""

_STATES: Mapping[str, Status] = {
    "ok": Status.OK,
    "warned": Status.WARNED,
    "invalid": Status.INVALID,
}


class Rows(Protocol):
    """What a selection needs of an open file; `Dataset` is one."""

    @property
    def path(self) -> Path:
        """The file."""

    @property
    def edits(self) -> Edits:
        """The pending edits."""

    def __len__(self) -> int:
        """Rows found so far."""

    def blocks(self) -> Iterator[tuple[int, list[bytes]]]:
        """Blocks of rows of the source, each with the number of its first row.

        Raises:
            OSError: the file cannot be read any more.
        """

    def current_raw(self, row: int) -> bytes:
        """The bytes of one row.

        Raises:
            OSError: the file cannot be read any more.
        """

    def statuses(self) -> Sequence[int]:
        """The `Status` of each row checked so far."""

    def token_counts(self) -> Sequence[int]:
        """Tokens of each row counted so far."""

    def lengths(self) -> Sequence[int]:
        """Characters of the last answer of each row checked so far."""

    def rows_with(self, code: str) -> Sequence[int]:
        """The rows that have a problem, ascending."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows that match so far.

    Attributes:
        rows: their numbers, sorted.
        share: part of the file that was searched, 0 to 1; 1 in the last selection.
        searched: number of rows searched.
        seconds: time since the start.
    """

    rows: Sequence[int]
    share: float
    searched: int
    seconds: float


async def select(
    dataset: Rows, row_filter: RowFilter, order: Order = Order.LINE, descending: bool = False
) -> AsyncIterator[Selection]:
    """Find the rows that match a filter.

    Codes and states are answered at once from the findings of the check. Text is searched in the
    rows, pending edits included, in a thread; partial results come a few times a second, and
    closing the iterator stops the search.

    Args:
        dataset: the open file; rows that are scanned later are not searched.
        row_filter: the filter.
        order: sort key of the rows; ties are sorted by line.
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

    mask = await asyncio.to_thread(_mask, dataset, row_filter, total)
    if not row_filter.text:
        every = not (row_filter.codes or row_filter.states)
        found = range(total) if every else array("I", compress(range(total), mask))
        yield await selection(found, total)
        return
    search = _Search(dataset, mask, row_filter.text)
    reported_at = time.monotonic()
    try:
        while await asyncio.to_thread(search.step):
            if time.monotonic() - reported_at > _REPORT_SECONDS:
                yield await selection(search.found[:], search.searched)
                reported_at = time.monotonic()
    except OSError as error:
        raise explain(error, dataset.path) from error
    yield await selection(search.found, total)


class _Search:
    """Searches the rows of a mask for a text, step by step.

    Attributes:
        found: the rows that contain it, ascending.
        searched: number of rows searched so far.
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
        until = time.monotonic() + _STEP_SECONDS
        for first, raws in self._blocks:
            self._search_block(first, raws)
            if time.monotonic() > until:
                return True
        return False

    def _search_block(self, first: int, raws: list[bytes]) -> None:
        self.searched = min(first + len(raws), len(self._mask))
        mask = self._mask[first : self.searched]
        if self._edited or 0 in mask:
            current = map(self._edited.get, range(first, self.searched), raws)
            raws = [raw if selected else b"" for raw, selected in zip(current, mask, strict=False)]
        self.found.extend(first + place for place in self._find(raws[: len(mask)]))


def _blocks(dataset: Rows, mask: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """The rows to search, in blocks, or one by one where they are few."""
    if mask.count(1) * _FEW > len(mask):
        return dataset.blocks()
    rows = compress(range(len(mask)), mask)
    return ((row, [dataset.current_raw(row)]) for row in rows)


def _mask(dataset: Rows, row_filter: RowFilter, total: int) -> bytes:
    """One byte per row: 1 where its codes and states match, otherwise 0."""
    mask = b"\1" * total
    if row_filter.states:
        mask = _state_mask(dataset, row_filter.states, total)
    if row_filter.codes:
        mask = bytes(map(and_, mask, _code_mask(dataset, row_filter.codes, total)))
    return mask


def _state_mask(dataset: Rows, states: frozenset[str], total: int) -> bytes:
    selected = {_STATES[state] for state in states if state in _STATES}
    table = bytes(status in selected for status in range(256))
    mask = bytearray(bytes(dataset.statuses()[:total]).translate(table).ljust(total, b"\0"))
    for row, edit in dataset.edits.pending.items():
        if ("excluded" if edit.excluded else "edited") in states and row < total:
            mask[row] = 1
    return bytes(mask)


def _code_mask(dataset: Rows, codes: frozenset[str], total: int) -> bytes:
    mask = bytearray(total)
    for code in codes:
        for row in dataset.rows_with(code):
            if row < total:
                mask[row] = 1
    return bytes(mask)


def _in_order(keys: Sequence[int] | None, rows: Sequence[int], descending: bool) -> Sequence[int]:
    """Sort ascending rows by their keys, or by line where there are none; the sort is stable."""
    if keys is None:
        return rows[::-1] if descending else rows
    return sorted_by(keys, rows, descending)


def sorted_by(keys: Sequence[int], rows: Sequence[int], descending: bool) -> Sequence[int]:
    """Sort rows by their keys; the sort is stable.

    A bucket sort takes four bytes per row and lets other threads run, where `sorted` would block
    them.

    Args:
        keys: key of each row of the file; rows beyond its end have 0.
        rows: the rows to sort.
        descending: whether the highest come first.
    """
    buckets: dict[int, array[int]] = defaultdict(lambda: array("I"))
    known = len(keys)
    for row in rows:
        buckets[keys[row] if row < known else 0].append(row)
    ordered = array("I")
    for key in sorted(buckets, reverse=descending):
        ordered += buckets[key]
    return ordered


def _severity_keys(dataset: Rows) -> Sequence[int]:
    """Key of each row by its problems: an error outweighs all warnings, then their number."""
    keys = array("I", bytes(4 * len(dataset)))
    for row, status in enumerate(dataset.statuses()):
        if status == Status.INVALID:
            keys[row] = _WORSE
    for code in KINDS:
        for row in dataset.rows_with(code):
            keys[row] += 1
    return keys


_KEYS: Mapping[Order, Callable[[Rows], Sequence[int]]] = {
    Order.PROBLEMS: _severity_keys,
    Order.TOKENS: lambda dataset: dataset.token_counts(),
    Order.LENGTH: lambda dataset: dataset.lengths(),
}
