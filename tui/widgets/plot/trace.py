"""Curves as columns of steps, times and values, extended as points come in.

Sums and extremes over slices of plain lists run at the speed of C, so a hundred thousand points
cost a redraw little more than a hundred.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from tui.domain.jobs.curves import Curve, Point
from tui.widgets.plot.curves import Curves, RunCurves
from tui.widgets.plot.smoothing import MovingAverage, Smoothing
from tui.widgets.plot.view import XAxis

LARGEST = 1e30
"""Values beyond this are left out: no loss is as large."""
_LATEST = 1e15
"""Unix seconds; later times are ignored."""


class Trace:
    """The finite points of one curve.

    Attributes:
        steps: ascending.
        times: Unix seconds, never descending, even where the clock was set back.
        values: one a step.
        left_out: how many values were not finite.
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
        self._averages: dict[Smoothing, MovingAverage] = {}

    def update(self, curve: Curve) -> None:
        """Add the new points; start over where the curve does not extend the known one."""
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
        previous = self.times[-1] if self.times else 0.0
        self.steps.append(step)
        self.times.append(max(at, previous) if abs(at) < _LATEST else previous)
        self.values.append(value)

    def smoothed(self, smoothing: Smoothing) -> list[float]:
        """One value a step: the values themselves, or their moving average."""
        if smoothing is Smoothing.OFF:
            return self.values
        average = self._averages.setdefault(smoothing, MovingAverage(smoothing.value))
        return average.extend(self.values)

    def positions(self, x_axis: XAxis) -> Sequence[float]:
        """The step or the time of each point."""
        return self.steps if x_axis is XAxis.STEP else self.times


@dataclass(slots=True)
class TracedRun:
    """A run and the traces of its curves."""

    run: RunCurves
    line: Trace
    marks: Trace

    @property
    def main(self) -> Trace:
        """The trace that the cursor follows: the line, or the marks where there is none."""
        return self.line if len(self.line) else self.marks

    def origin(self, x_axis: XAxis) -> float:
        """The zero of the axis: step 0, or the time at which the run started."""
        firsts = [trace.times[0] for trace in (self.line, self.marks) if len(trace)]
        if x_axis is XAxis.STEP or not firsts:
            return 0.0
        return min([*firsts, self.run.started_at if self.run.started_at is not None else firsts[0]])

    def position(self, x_axis: XAxis, index: int) -> float:
        """The position of a point of `main`, counted from the origin."""
        return self.main.positions(x_axis)[index] - self.origin(x_axis)

    def index_at(self, step: int) -> int:
        """The last point of `main` at or before a step; the first one where there is none."""
        return max(0, bisect_right(self.main.steps, step) - 1)


class TracedCurves:
    """The traces of a chart, kept from one drawing to the next."""

    def __init__(self, curves: Curves | None = None) -> None:
        self.curves = Curves()
        self.runs: list[TracedRun] = []
        if curves:
            self.update(curves)

    def update(self, curves: Curves) -> None:
        """Bring the traces up to date; a run is recognised by its name and index."""
        previous = {(index, traced.run.name): traced for index, traced in enumerate(self.runs)}
        self.curves, self.runs = curves, []
        for index, run in enumerate(curves.runs):
            known = previous.get((index, run.name))
            traced = TracedRun(run, known.line, known.marks) if known else None
            traced = traced or TracedRun(run, Trace(), Trace())
            traced.line.update(run.line)
            traced.marks.update(run.marks)
            self.runs.append(traced)

    @property
    def left_out(self) -> int:
        """How many values of all runs are not finite."""
        return sum(run.line.left_out + run.marks.left_out for run in self.runs)

    def __bool__(self) -> bool:
        """Whether there is anything to draw."""
        return any(len(run.main) for run in self.runs)
