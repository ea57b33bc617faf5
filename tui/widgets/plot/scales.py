"""Scales: steps, seconds and values to cells, and the round numbers that label them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tui.domain.text import duration
from tui.widgets.plot.trace import TracedCurves
from tui.widgets.plot.view import View, XAxis

_SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200)
_DAY = 86_400
_MIN_SHOWN = 1e-99
LABEL = 6
"""Cells of a label of the vertical axis."""


@dataclass(frozen=True, slots=True)
class XScale:
    """The horizontal axis: steps, or seconds since the start of the run."""

    x_axis: XAxis
    begin: float
    end: float

    def column(self, position: float, columns: int) -> int:
        """The column of a position, clamped to the axis."""
        share = (position - self.begin) / ((self.end - self.begin) or 1.0)
        return round(max(0.0, min(1.0, share)) * (columns - 1))

    def position(self, column: float, columns: int) -> float:
        """The position of a column."""
        return self.begin + (self.end - self.begin) * column / max(1, columns - 1)

    def ticks(self, columns: int) -> list[tuple[float, str]]:
        """Round positions and their labels, at least 10 cells apart."""
        min_gap = (self.end - self.begin) * 10 / max(columns, 10)
        by_step = self.x_axis is XAxis.STEP
        every = round_up(min_gap) if by_step else round_duration(min_gap)
        first = math.ceil(self.begin / every)
        last = math.floor(self.end / every)
        positions = [n * every for n in range(first, min(last, first + columns) + 1)]
        return [
            (position, f"{position}" if by_step else duration(position)) for position in positions
        ]


@dataclass(frozen=True, slots=True)
class YScale:
    """The vertical axis; a logarithmic one shows values above zero only."""

    low: float
    high: float
    log: bool

    def row(self, value: float, rows: int) -> int:
        """The row of a value, from the top, clamped to the axis."""
        low, high, value = map(self._height, (self.low, self.high, value))
        return round(max(0.0, min(1.0, (high - value) / (high - low))) * (rows - 1))

    def labels(self) -> tuple[str, str, str]:
        """Labels of top, middle and bottom, with more decimals where they would be equal."""
        middle = math.sqrt(self.low) * math.sqrt(self.high) if self.log else self._mean()
        values = (self.high, middle, self.low)
        candidates = [[format_value(value) for value in values]]
        candidates += [[f"{value:.{decimals}f}" for value in values] for decimals in (3, 4)]
        distinct = (labels for labels in candidates if len(set(labels)) == len(labels))
        top, centre, bottom = next(
            (labels for labels in distinct if max(map(len, labels)) <= LABEL), candidates[0]
        )
        return top, centre, bottom

    def _mean(self) -> float:
        return self.low / 2 + self.high / 2

    def _height(self, value: float) -> float:
        if not self.log:
            return value
        return math.log(max(value, self.low))


def full_range(curves: TracedCurves, x_axis: XAxis) -> tuple[float, float]:
    """Both ends of the horizontal axis when it is not zoomed.

    An end that is not known yet is rounded up, so that it seldom moves.
    """
    begin, end = 0.0, 0.0
    for traced in curves.runs:
        origin = traced.origin(x_axis)
        for trace in (traced.line, traced.marks):
            if len(trace):
                positions = trace.positions(x_axis)
                begin, end = min(begin, positions[0] - origin), max(end, positions[-1] - origin)
    last_step = curves.curves.last_step
    if x_axis is XAxis.STEP:
        end = max(end, last_step) if last_step else _round_to(end, round_up(end / 4))
    else:
        end = _round_to(end, round_duration(end / 4))
    return begin, max(end, begin + 1.0)


def x_scale(curves: TracedCurves, view: View) -> XScale:
    """The horizontal axis of a view."""
    begin, end = view.window or full_range(curves, view.x_axis)
    return XScale(view.x_axis, begin, max(end, begin + 1e-6))


def y_scale(values: Sequence[float], *, log: bool) -> YScale | None:
    """The vertical axis for values; None where there are none.

    It starts at zero unless that wastes half of the height; a logarithmic one at the lowest value.
    """
    if not values:
        return None
    low, high = min(values), max(values)
    if log:
        flat = high < low * 1.001
        return YScale(low / 2, high * 2, log) if flat else YScale(low, high, log)
    if 0 <= low < high / 2:
        low = 0.0
    if high - low < 1e-9 * max(1.0, abs(high)):
        half = max(0.5, abs(high) / 2)
        low, high = low - half, high + half
    return YScale(low, high, log)


def round_up(value: float) -> int:
    """The next of 1, 2, 5, 10, 20, 50, ..."""
    if value <= 1:
        return 1
    power: int = 10 ** math.floor(math.log10(value))
    return next(power * step for step in (1, 2, 5, 10, 20) if power * step >= value)


def round_duration(seconds: float) -> int:
    """The next round duration: 1, 2, 5 s ... 12 h, then whole days."""
    for candidate in _SECONDS:
        if candidate >= seconds:
            return candidate
    return _DAY * round_up(seconds / _DAY)


def _round_to(value: float, every: int) -> float:
    return float(math.ceil(value / every) * every)


def format_value(value: float) -> str:
    """A value in at most 6 cells: `3.10`, `0.084`, `12.00`, `2.0e-4`."""
    size = abs(value)
    if size < _MIN_SHOWN:
        return "0"
    if 0.001 <= size < 99_999:
        decimals = 0 if size >= 100 else 2 if size >= 0.1 else 3
        return f"{value:.{decimals}f}"
    parts = [f"{value:.{decimals}e}".partition("e") for decimals in (1, 0)]
    texts = [f"{mantissa}e{int(exponent)}" for mantissa, _, exponent in parts]
    return next((text for text in texts if len(text) <= LABEL), texts[-1])
