"""A curve in columns: grows with its points, and tells what stands in a part of it at once.

Sums and extremes over slices of plain lists run at the speed of C, so a hundred thousand points
cost a redraw little more than a hundred do.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from tui.domain.jobs.curves import Curve, Point
from tui.widgets.plot.curves import Curves, RunCurves
from tui.widgets.plot.view import Across, Smoothing

LARGEST = 1e30
"""A loss beyond this means nothing."""
_FARTHEST = 1e15
"""No clock shows a time beyond this."""


class Trace:
    """The finite points of one curve.

    Attributes:
        steps: ascending.
        times: Unix seconds, never descending: a clock that went back stands still here.
        values: one a step.
        left_out: how many values were no numbers.
    """

    def __init__(self) -> None:
        self._clear()

    def __len__(self) -> int:
        return len(self.steps)

    def _clear(self) -> None:
        self.steps: list[int] = []
        self.times: list[float] = []
        self.values: list[float] = []
        self.left_out = 0
        self._known = Curve()
        self._averages: dict[Smoothing, _Average] = {}

    def follow(self, curve: Curve) -> None:
        """Take in the points that are new; all of them where the known ones are others now."""
        if not curve.extends(self._known):
            self._clear()
        for point in curve[len(self._known) :]:
            self._add(point)
        self._known = curve

    def _add(self, point: Point) -> None:
        step, value, at = point
        if not abs(value) < LARGEST:
            self.left_out += 1
            return
        before = self.times[-1] if self.times else 0.0
        self.steps.append(step)
        self.times.append(max(at, before) if abs(at) < _FARTHEST else before)
        self.values.append(value)

    def smoothed(self, smoothing: Smoothing) -> list[float]:
        """One value a step: the values themselves, or their moving average."""
        if smoothing is Smoothing.OFF:
            return self.values
        average = self._averages.setdefault(smoothing, _Average(smoothing.value))
        return average.of(self.values)

    def places(self, across: Across) -> Sequence[float]:
        """Where each point stands on the axis: its step, or its time."""
        return self.steps if across is Across.STEP else self.times


class _Average:
    """An exponential moving average, unbiased at its start; it grows with its values.

    It is the weighted mean of all values so far, with weights `keep ** age`. Dividing by the sum of
    the weights is what takes the bias from its start (Kingma and Ba 2015, section 3).
    """

    def __init__(self, keep: float) -> None:
        self._keep = keep
        self._sum = 0.0
        self._weights = 0.0
        self._means: list[float] = []

    def of(self, values: list[float]) -> list[float]:
        for value in values[len(self._means) :]:
            self._sum = self._keep * self._sum + value
            self._weights = self._keep * self._weights + 1
            self._means.append(self._sum / self._weights)
        return self._means


@dataclass(slots=True)
class TracedRun:
    """A run and its curves in columns."""

    run: RunCurves
    line: Trace
    marks: Trace

    @property
    def read(self) -> Trace:
        """What a cursor goes along: the line, or the points where there is none."""
        return self.line if len(self.line) else self.marks

    def origin(self, across: Across) -> float:
        """What stands at the left end of the axis: step 0, or the moment the run began."""
        firsts = [trace.times[0] for trace in (self.line, self.marks) if len(trace)]
        if across is Across.STEP or not firsts:
            return 0.0
        return min([*firsts, self.run.started_at if self.run.started_at is not None else firsts[0]])

    def place(self, across: Across, index: int) -> float:
        """Where a point of `read` stands, counted from the origin."""
        return self.read.places(across)[index] - self.origin(across)

    def index_at(self, step: int) -> int:
        """The last point of `read` at a step or before it; the first one where none is."""
        return max(0, bisect_right(self.read.steps, step) - 1)


class TracedCurves:
    """A chart's curves in columns, kept from drawing to drawing."""

    def __init__(self, curves: Curves | None = None) -> None:
        self.curves = Curves()
        self.runs: list[TracedRun] = []
        if curves:
            self.follow(curves)

    def follow(self, curves: Curves) -> None:
        """Take in how the curves are now; a run stays itself by its name and place."""
        before = {(place, one.run.name): one for place, one in enumerate(self.runs)}
        self.curves, self.runs = curves, []
        for place, run in enumerate(curves.runs):
            known = before.get((place, run.name))
            traced = TracedRun(run, known.line, known.marks) if known else None
            traced = traced or TracedRun(run, Trace(), Trace())
            traced.line.follow(run.line)
            traced.marks.follow(run.marks)
            self.runs.append(traced)

    @property
    def left_out(self) -> int:
        """Values of all runs that are no numbers."""
        return sum(one.line.left_out + one.marks.left_out for one in self.runs)

    def __bool__(self) -> bool:
        """Whether there is anything to draw."""
        return any(len(one.read) for one in self.runs)
