"""Which points of a curve fall in each column, and their values."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tui.widgets.plot.scales import XScale
from tui.widgets.plot.trace import Trace, TracedRun

MIN_LOG = 1e-30
"""The smallest value that a logarithmic scale shows."""


class Span(NamedTuple):
    """The points of a curve in one column: indices from `begin` up to, not including, `end`."""

    column: int
    begin: int
    end: int


def column_spans(traced: TracedRun, trace: Trace, scale: XScale, columns: int) -> list[Span]:
    """The columns that hold points of a run's curve, from left to right."""
    positions, origin = trace.positions(scale.x_axis), traced.origin(scale.x_axis)
    begin = bisect_left(positions, scale.begin + origin)
    last = bisect_left(positions, scale.position(columns - 0.5, columns) + origin, begin)
    spans = []
    while begin < last:
        column = scale.column(positions[begin] - origin, columns)
        edge = scale.position(column + 0.5, columns) + origin
        end = max(begin + 1, bisect_left(positions, edge, begin, last))
        spans.append(Span(column, begin, end))
        begin = end
    return spans


def column_values(
    values: list[float], spans: Sequence[Span], *, log: bool
) -> Iterator[tuple[int, list[float]]]:
    """The values of each column; on a logarithmic scale without those at or below zero."""
    for column, begin, end in spans:
        part = values[begin:end]
        if log and min(part) < MIN_LOG:
            part = [value for value in part if value >= MIN_LOG]
        if part:
            yield column, part


def column_means(
    traced: TracedRun, values: list[float], scale: XScale, columns: int, *, log: bool
) -> dict[int, float]:
    """The mean of a run's line in each column.

    Where the line continues beyond an end of the axis, the column there holds the interpolated
    value, so that the line reaches the edge.
    """
    spans = column_spans(traced, traced.line, scale, columns)
    means = {
        column: sum(part) / len(part) for column, part in column_values(values, spans, log=log)
    }
    positions, origin = traced.line.positions(scale.x_axis), traced.origin(scale.x_axis)
    left, right = scale.begin + origin, scale.end + origin
    first = bisect_left(positions, left)
    crossings = {0: _crossing(positions, values, first, left)}
    crossings[columns - 1] = _crossing(
        positions, values, bisect_left(positions, right, first), right
    )
    for column, value in crossings.items():
        if value is not None and column not in means and not (log and value < MIN_LOG):
            means[column] = value
    return dict(sorted(means.items()))


def _crossing(
    positions: Sequence[float], values: list[float], index: int, position: float
) -> float | None:
    """The value interpolated between the points `index - 1` and `index`; None beyond an end."""
    if not 0 < index < len(positions):
        return None
    (x0, x1), (y0, y1) = positions[index - 1 : index + 1], values[index - 1 : index + 1]
    return y0 + (y1 - y0) * (position - x0) / (x1 - x0) if x1 > x0 else y1
