"""Dividing rows among training, validation and test: seeded, and like rows on one side."""

from __future__ import annotations

import random
from array import array
from collections.abc import Callable, Sequence

from tui.services.errors import InputError


def split(
    rows: Sequence[int], group_of: Callable[[int], int], shares: Sequence[float], seed: int
) -> bytearray:
    """Choose a side for each row: 0 is training, the others follow `shares`.

    Groups are dealt in an order that the seed decides; one that is larger than what its side still
    lacks goes to the next side that can take it, at last to training. Every side gets a group.

    Args:
        rows: numbers of the rows, rising.
        group_of: row -> the number of a row, the same for rows that must stay on one side.
        shares: parts of the rows for the sides 1, 2, ...; a side of share 0 stays empty.
        seed: of the order.

    Returns:
        A side a row number, up to the last row; memory is 10 bytes a row.

    Raises:
        InputError: there are fewer groups than sides.
    """
    sides = bytearray(rows[-1] + 1 if rows else 0)
    if not any(shares):
        return sides
    group = array("I", bytes(4 * len(sides)))
    sizes = array("I", bytes(4 * len(sides)))
    for row in rows:
        group[row] = group_of(row)
        sizes[group[row]] += 1
    wanted = [0, *(max(1, round(share * len(rows))) if share else 0 for share in shares)]
    dealt = _deal(sizes, wanted, seed)
    for row in rows:
        sides[row] = dealt[group[row]]
    return sides


def _deal(sizes: array[int], wanted: list[int], seed: int) -> bytearray:
    """The side of each group.

    Args:
        sizes: rows a group; 0 where no group has this number.
        wanted: rows a side; training, the first, gets what is left.
        seed: of the order.
    """
    order = array("I", (one for one, size in enumerate(sizes) if size))
    sides = [side for side, rows in enumerate(wanted) if rows or side == 0]
    if len(order) < len(sides):
        raise InputError(
            f"The file has too few different rows to split: {len(order)} for {len(sides)} files.",
            "Leave the split out.",
        )
    random.Random(seed).shuffle(order)
    dealt, lacking = bytearray(len(sizes)), list(wanted)
    for one in order:
        side = next((side for side in sides if sizes[one] <= lacking[side]), 0)
        dealt[one] = side
        lacking[side] -= sizes[one]
    for side in sides:
        _give_one(side, order, sizes, dealt, sides)
    return dealt


def _give_one(
    side: int, order: array[int], sizes: array[int], dealt: bytearray, sides: list[int]
) -> None:
    """A side without a group gets the smallest of the side that has the most."""
    if any(dealt[one] == side for one in order):
        return
    held = [sum(dealt[one] == other for one in order) for other in sides]
    richest = sides[held.index(max(held))]
    smallest = min((one for one in order if dealt[one] == richest), key=lambda one: sizes[one])
    dealt[smallest] = side
