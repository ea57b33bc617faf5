"""Scales: from steps, seconds and values to cells, and the round numbers that label them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tui.domain.text import duration
from tui.widgets.plot.trace import TracedCurves
from tui.widgets.plot.view import Across, View

_SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200)
_DAY = 86_400
_NEXT_TO_NOTHING = 1e-99
LABEL = 6
"""Cells of a label of the vertical axis."""


@dataclass(frozen=True, slots=True)
class PlaceScale:
    """The horizontal axis: steps, or seconds since the run began."""

    across: Across
    begin: float
    end: float

    def column(self, place: float, columns: int) -> int:
        """The cell or dot of a place; places beyond the ends stand at the ends."""
        share = (place - self.begin) / ((self.end - self.begin) or 1.0)
        return round(max(0.0, min(1.0, share)) * (columns - 1))

    def place(self, column: float, columns: int) -> float:
        """The place of a cell or dot."""
        return self.begin + (self.end - self.begin) * column / max(1, columns - 1)

    def ticks(self, columns: int) -> list[tuple[float, str]]:
        """Round places with their labels, at least 10 cells apart."""
        least = (self.end - self.begin) * 10 / max(columns, 10)
        by_step = self.across is Across.STEP
        every = round_up(least) if by_step else round_duration(least)
        first = math.ceil(self.begin / every)
        last = math.floor(self.end / every)
        places = [n * every for n in range(first, min(last, first + columns) + 1)]
        return [(place, f"{place}" if by_step else duration(place)) for place in places]


@dataclass(frozen=True, slots=True)
class ValueScale:
    """The vertical axis; a logarithmic one holds values above zero alone."""

    low: float
    high: float
    log: bool

    def row(self, value: float, rows: int) -> int:
        """The row or dot of a value, from the top; values beyond the ends stand at the ends."""
        low, high, value = (self._height(one) for one in (self.low, self.high, value))
        return round(max(0.0, min(1.0, (high - value) / (high - low))) * (rows - 1))

    def labels(self) -> tuple[str, str, str]:
        """Top, middle and bottom in words; with more decimals where they would say the same."""
        middle = math.sqrt(self.low) * math.sqrt(self.high) if self.log else self._mean()
        values = (self.high, middle, self.low)
        told = [[short(value) for value in values]]
        told += [[f"{value:.{decimals}f}" for value in values] for decimals in (3, 4)]
        apart = (labels for labels in told if len(set(labels)) == len(labels))
        top, centre, bottom = next(
            (labels for labels in apart if max(map(len, labels)) <= LABEL), told[0]
        )
        return top, centre, bottom

    def _mean(self) -> float:
        return self.low / 2 + self.high / 2

    def _height(self, value: float) -> float:
        if not self.log:
            return value
        return math.log(max(value, self.low))


def whole_axis(curves: TracedCurves, across: Across) -> tuple[float, float]:
    """Both ends of all there is.

    Where the end is not known yet, it is a round one, so that it seldom moves.
    """
    begin, end = 0.0, 0.0
    for traced in curves.runs:
        origin = traced.origin(across)
        for trace in (traced.line, traced.marks):
            if len(trace):
                places = trace.places(across)
                begin, end = min(begin, places[0] - origin), max(end, places[-1] - origin)
    known = curves.curves.last_step
    if across is Across.STEP:
        end = max(end, known) if known else _rounded(end, round_up(end / 4))
    else:
        end = _rounded(end, round_duration(end / 4))
    return begin, max(end, begin + 1.0)


def place_scale(curves: TracedCurves, view: View) -> PlaceScale:
    """The horizontal axis of a view."""
    begin, end = view.window or whole_axis(curves, view.across)
    return PlaceScale(view.across, begin, max(end, begin + 1e-6))


def value_scale(values: Sequence[float], *, log: bool) -> ValueScale | None:
    """The vertical axis for the values that are drawn; None for none.

    It begins at zero, unless that wastes half of the height; a logarithmic one at the lowest value.
    """
    if not values:
        return None
    low, high = min(values), max(values)
    if log:
        flat = high < low * 1.001
        return ValueScale(low / 2, high * 2, log) if flat else ValueScale(low, high, log)
    if 0 <= low < high / 2:
        low = 0.0
    if high - low < 1e-9 * max(1.0, abs(high)):
        half = max(0.5, abs(high) / 2)
        low, high = low - half, high + half
    return ValueScale(low, high, log)


def round_up(value: float) -> int:
    """The next of 1, 2, 5, 10, 20, 50, ..."""
    if value <= 1:
        return 1
    power: int = 10 ** math.floor(math.log10(value))
    return next(power * step for step in (1, 2, 5, 10, 20) if power * step >= value)


def round_duration(seconds: float) -> int:
    """The next duration that a clock has a mark for: 1, 2, 5 s ... 12 h, then whole days."""
    for known in _SECONDS:
        if known >= seconds:
            return known
    return _DAY * round_up(seconds / _DAY)


def _rounded(value: float, every: int) -> float:
    return float(math.ceil(value / every) * every)


def short(value: float) -> str:
    """A value in 6 cells at the most: `3.10`, `0.084`, `12.00`, `2.0e-4`."""
    size = abs(value)
    if size < _NEXT_TO_NOTHING:
        return "0"
    if 0.001 <= size < 99_999:
        decimals = 0 if size >= 100 else 2 if size >= 0.1 else 3
        return f"{value:.{decimals}f}"
    told = [f"{value:.1e}", f"{value:.0e}"]
    shown = [f"{head}e{int(power)}" for head, _, power in (one.partition("e") for one in told)]
    return next((one for one in shown if len(one) <= LABEL), shown[-1])
