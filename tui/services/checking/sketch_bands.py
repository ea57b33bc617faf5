"""Rows whose sketches agree in a band of bytes; imports numpy, so loaded by searches alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tui.services.checking.sketches import SKETCH
from tui.services.workspace.files import Buffer

Bands = NDArray[np.uint64]
"""A band of each row as one number."""


def rows_with_text(sketches: bytes | bytearray) -> list[int]:
    """The rows whose sketch is not empty."""
    rows: list[int] = np.flatnonzero(_table(sketches).any(axis=1)).tolist()
    return rows


def rows_sharing(marks: Buffer, left_out: bytes, others: Buffer | None = None) -> list[int]:
    """The rows that share their mark with another row, or with some other marks, ascending.

    Args:
        marks: the mark of each row, 8 bytes each; 0 where the row is not compared.
        left_out: one byte per row, 0 where the row is compared.
        others: the marks to look for; None for those of the other compared rows.
    """
    column = np.frombuffer(marks, np.uint64)
    compared = np.flatnonzero((column > 0) & (np.frombuffer(left_out, np.uint8) == 0))
    values = column[compared]
    if others is None:
        ordered = np.sort(values)
        wanted = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    else:
        wanted = np.frombuffer(others, np.uint64)
    rows: list[int] = compared[np.isin(values, wanted)].tolist()
    return rows


def bands_of(sketches: bytes | bytearray, rows: Sequence[int], band: slice) -> Bands:
    """A band, at most 8 bytes wide, of some rows."""
    table = _table(sketches)
    padded = np.zeros((len(rows), 8), np.uint8)
    padded[:, : band.stop - band.start] = table[np.asarray(rows, np.intp), band]
    return padded.view(np.uint64).ravel()


def groups(*parts: Bands) -> Iterator[list[int]]:
    """The places of at least two equal bands among some one after the other, each ascending."""
    bands = np.concatenate(parts)
    order = np.argsort(bands, kind="stable")
    in_order = bands[order]
    same = np.zeros(len(bands) + 1, bool)
    same[1:-1] = in_order[1:] == in_order[:-1]
    changes = np.flatnonzero(same[1:] != same[:-1])
    for begin, last in zip(changes[::2].tolist(), changes[1::2].tolist(), strict=True):
        yield order[begin : last + 1].tolist()


def agreeing(bands: Bands, targets: Bands) -> list[int]:
    """The places of the bands that are among some others."""
    places: list[int] = np.flatnonzero(np.isin(bands, targets)).tolist()
    return places


def _table(sketches: bytes | bytearray) -> NDArray[np.uint8]:
    return np.frombuffer(sketches, np.uint8).reshape(-1, SKETCH)
