"""Which points of a curve stand in each column of dots, and what their values come to."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tui.widgets.plot.scales import PlaceScale
from tui.widgets.plot.trace import Trace, TracedRun

ABOVE_ZERO = 1e-30
"""The least value that a logarithmic scale shows."""


class Span(NamedTuple):
    """The points `begin` to `end` (left out) of a curve stand in a column."""

    column: int
    begin: int
    end: int


def spans_of(traced: TracedRun, trace: Trace, scale: PlaceScale, columns: int) -> list[Span]:
    """The columns that hold points of a run's curve, from left to right."""
    places, origin = trace.places(scale.across), traced.origin(scale.across)
    begin = bisect_left(places, scale.begin + origin)
    last = bisect_left(places, scale.place(columns - 0.5, columns) + origin, begin)
    spans = []
    while begin < last:
        column = scale.column(places[begin] - origin, columns)
        edge = scale.place(column + 0.5, columns) + origin
        end = max(begin + 1, bisect_left(places, edge, begin, last))
        spans.append(Span(column, begin, end))
        begin = end
    return spans


def values_in(
    values: list[float], spans: Sequence[Span], *, log: bool
) -> Iterator[tuple[int, list[float]]]:
    """The values of each column; a logarithmic scale has none that are not above zero."""
    for column, begin, end in spans:
        piece = values[begin:end]
        if log and min(piece) < ABOVE_ZERO:
            piece = [value for value in piece if value >= ABOVE_ZERO]
        if piece:
            yield column, piece


def line_of(
    traced: TracedRun, values: list[float], scale: PlaceScale, columns: int, *, log: bool
) -> dict[int, float]:
    """The mean of each column of a run's line.

    Where the line goes on beyond an end of the axis, that end's column holds the value with which
    it crosses it, so that it reaches the edge.
    """
    spans = spans_of(traced, traced.line, scale, columns)
    found = {column: sum(piece) / len(piece) for column, piece in values_in(values, spans, log=log)}
    places, origin = traced.line.places(scale.across), traced.origin(scale.across)
    left, right = scale.begin + origin, scale.end + origin
    enters = bisect_left(places, left)
    crossings = {0: _crossing(places, values, enters, left)}
    crossings[columns - 1] = _crossing(places, values, bisect_left(places, right, enters), right)
    for column, value in crossings.items():
        if value is not None and column not in found and not (log and value < ABOVE_ZERO):
            found[column] = value
    return dict(sorted(found.items()))


def _crossing(
    places: Sequence[float], values: list[float], index: int, place: float
) -> float | None:
    """The value at a place between the points `index - 1` and `index`; None where it is not so."""
    if not 0 < index < len(places):
        return None
    (x0, x1), (y0, y1) = places[index - 1 : index + 1], values[index - 1 : index + 1]
    return y0 + (y1 - y0) * (place - x0) / (x1 - x0) if x1 > x0 else y1
