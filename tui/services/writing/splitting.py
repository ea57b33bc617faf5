"""Splitting rows into training, validation and test: seeded, duplicates kept together."""

from __future__ import annotations

import random
from array import array
from collections.abc import Callable, Sequence

from tui.services.errors import InputError


def split(
    rows: Sequence[int], group_of: Callable[[int], int], shares: Sequence[float], seed: int
) -> bytearray:
    """Assign each row to a split: 0 is training, the others follow `shares`.

    Groups are assigned in a seeded order; a group larger than what a split still needs goes to the
    next split with room, in the end to training. Every split gets a group.

    Args:
        rows: numbers of the rows, ascending.
        group_of: row -> a row number that is the same for rows that must stay together.
        shares: shares of the rows for the splits 1, 2, ...; a split of share 0 stays empty.
        seed: seed of the order.

    Returns:
        The split of each row number, up to the last row; memory is 10 bytes per row.

    Raises:
        InputError: there are fewer groups than splits.
    """
    splits = bytearray(rows[-1] + 1 if rows else 0)
    if not any(shares):
        return splits
    group = array("I", bytes(4 * len(splits)))
    sizes = array("I", bytes(4 * len(splits)))
    for row in rows:
        group[row] = group_of(row)
        sizes[group[row]] += 1
    targets = [0, *(max(1, round(share * len(rows))) if share else 0 for share in shares)]
    assigned = _assign_groups(sizes, targets, seed)
    for row in rows:
        splits[row] = assigned[group[row]]
    return splits


def _assign_groups(sizes: array[int], targets: list[int], seed: int) -> bytearray:
    """The split of each group.

    Args:
        sizes: rows of each group; 0 where no group has this number.
        targets: rows for each split; training, the first, gets the rest.
        seed: seed of the order.
    """
    order = array("I", (group for group, size in enumerate(sizes) if size))
    splits = [part for part, rows in enumerate(targets) if rows or part == 0]
    if len(order) < len(splits):
        raise InputError(
            f"The file has too few distinct rows to split: {len(order)} for {len(splits)} files.",
            "Write it without a split.",
        )
    random.Random(seed).shuffle(order)
    assigned, missing = bytearray(len(sizes)), list(targets)
    for group in order:
        part = next((part for part in splits if sizes[group] <= missing[part]), 0)
        assigned[group] = part
        missing[part] -= sizes[group]
    for part in splits:
        _fill_empty(part, order, sizes, assigned, splits)
    return assigned


def _fill_empty(
    part: int, order: array[int], sizes: array[int], assigned: bytearray, splits: list[int]
) -> None:
    """Move the smallest group of the largest split to a split without a group."""
    if any(assigned[group] == part for group in order):
        return
    counts = [sum(assigned[group] == other for group in order) for other in splits]
    largest = splits[counts.index(max(counts))]
    smallest = min(
        (group for group in order if assigned[group] == largest),
        key=lambda group: sizes[group],
    )
    assigned[smallest] = part
