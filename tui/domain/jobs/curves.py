"""Figures by step: a growing series, and immutable curves as its snapshots."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple, overload

LARGEST_STEP = 2**53
"""The limit of plausible steps; anything beyond it is a server's error."""


class Point(NamedTuple):
    """A figure at a step.

    Attributes:
        at: Unix seconds.
    """

    step: int
    value: float
    at: float


class Curve(Sequence[Point]):
    """A snapshot of a series: the arrays it shares, and the number of points at that time.

    The steps are ascending. Taking a snapshot costs the same whatever the number of points.
    """

    __slots__ = ("_length", "_steps", "_times", "_values", "lowest")

    lowest: Point | None
    """The earliest point with the lowest finite value."""

    def __init__(
        self,
        steps: array[int] | None = None,
        values: array[float] | None = None,
        times: array[float] | None = None,
        lowest: Point | None = None,
    ) -> None:
        """Create a curve over arrays that change only by what their owner appends.

        Args:
            steps: in ascending order.
            values: one per step.
            times: Unix seconds, one per step.
            lowest: the earliest point with the lowest finite value.
        """
        self._steps = array("q") if steps is None else steps
        self._values = array("d") if values is None else values
        self._times = array("d") if times is None else times
        self._length = len(self._times)
        self.lowest = lowest

    @property
    def steps(self) -> array[int]:
        """A copy of the steps."""
        return self._steps[: self._length]

    @property
    def values(self) -> array[float]:
        """A copy of the values, which may include NaN and infinities."""
        return self._values[: self._length]

    @property
    def times(self) -> array[float]:
        """A copy of the times of the steps, in Unix seconds."""
        return self._times[: self._length]

    def extends(self, other: Curve) -> bool:
        """Whether it is `other`, possibly with points appended; compares no points."""
        return self._values is other._values and len(other) <= len(self)

    def tail(self, count: int) -> array[float]:
        """The last values, at most `count`."""
        return self._values[max(0, self._length - count) : self._length]

    def until(self, step: int, count: int) -> array[float]:
        """The last values up to and including a step, at most `count`."""
        end = bisect_left(self._steps, step + 1, 0, self._length)
        return self._values[max(0, end - count) : end]

    @overload
    def __getitem__(self, index: int) -> Point: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Point, ...]: ...

    def __getitem__(self, index: int | slice) -> Point | tuple[Point, ...]:
        if isinstance(index, slice):
            return tuple(self[position] for position in range(*index.indices(self._length)))
        if not -self._length <= index < self._length:
            raise IndexError(index)
        position = index % self._length
        return Point(self._steps[position], self._values[position], self._times[position])

    def __iter__(self) -> Iterator[Point]:
        return map(Point, self.steps, self.values, self.times)

    def __len__(self) -> int:
        return self._length

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Curve):
            return NotImplemented
        return self is other or list(self) == list(other)

    def __hash__(self) -> int:
        return hash((self._length, self[-1] if self else None))

    def __repr__(self) -> str:
        return f"Curve({list(self)!r})"


def mean(values: array[float]) -> float | None:
    """The mean of the finite values; None if there are none."""
    if not values:
        return None
    total = sum(values)
    if math.isfinite(total):
        return total / len(values)
    finite = [value for value in values if math.isfinite(value)]
    # Divide before adding: the sum of very large floats overflows.
    return sum(value / len(finite) for value in finite) if finite else None


class Series:
    """A growing series of figures by step; a step added again replaces its earlier value."""

    __slots__ = ("_curve", "_lowest", "_shared", "_steps", "_times", "_values")

    def __init__(self) -> None:
        self._steps = array("q")
        self._values = array("d")
        self._times = array("d")
        self._lowest: Point | None = None
        self._curve: Curve | None = Curve(self._steps, self._values, self._times)
        self._shared = True

    def __bool__(self) -> bool:
        return bool(self._steps)

    def add(self, step: int, value: float | None, at: float) -> None:
        """Add a figure; None is ignored.

        Args:
            step: below `LARGEST_STEP`.
            value: the figure.
            at: Unix seconds.
        """
        if value is None:
            return
        self._curve = None
        if not self._steps or step > self._steps[-1]:
            self._steps.append(step)
            self._values.append(value)
            self._times.append(at)
        else:
            self._insert_or_replace(Point(step, value, at))
        if (self._lowest is None or value < self._lowest.value) and math.isfinite(value):
            self._lowest = Point(step, value, at)

    def curve(self) -> Curve:
        """A snapshot of the series; later additions do not change it."""
        if self._curve is None:
            self._curve = Curve(self._steps, self._values, self._times, self._lowest)
            self._shared = True
        return self._curve

    def _insert_or_replace(self, point: Point) -> None:
        """Insert or replace a point; the arrays are copied first if a curve shares them."""
        if self._shared:
            self._steps, self._values = self._steps[:], self._values[:]
            self._times = self._times[:]
            self._shared = False
        index = bisect_left(self._steps, point.step)
        if self._steps[index] != point.step:
            self._steps.insert(index, point.step)
            self._values.insert(index, point.value)
            self._times.insert(index, point.at)
            return
        self._values[index], self._times[index] = point.value, point.at
        if self._lowest and self._lowest.step == point.step:
            self._lowest = self._find_lowest()

    def _find_lowest(self) -> Point | None:
        value = min(filter(math.isfinite, self._values), default=None)
        if value is None:
            return None
        index = self._values.index(value)
        return Point(self._steps[index], value, self._times[index])
