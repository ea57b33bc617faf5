"""Texts about a chart: how it is shown, and the values under its cursor."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from tui.domain.text import duration, plural, preview
from tui.widgets.plot.columns import MIN_LOG
from tui.widgets.plot.glyphs import letter_of
from tui.widgets.plot.scales import format_value
from tui.widgets.plot.smoothing import Smoothing
from tui.widgets.plot.trace import Trace, TracedCurves, TracedRun
from tui.widgets.plot.view import View, XAxis


def describe_view(curves: TracedCurves, view: View) -> str:
    """How the chart is shown: `by step · smoothed (EMA 0.6) · 2 values left out`."""
    parts = [f"by {view.x_axis}"]
    if any(len(run.line) for run in curves.runs):
        parts.append(view.smoothing.label)
    if view.log:
        parts.append("log scale")
    if view.window:
        begin, end = view.window
        by_step = view.x_axis is XAxis.STEP
        ends = (f"{begin:.0f}", f"{end:.0f}") if by_step else (duration(begin), duration(end))
        parts.append(f"{'steps ' if by_step else ''}{ends[0]} to {ends[1]} (0 shows all)")
    if curves.left_out:
        parts.append(f"{plural(curves.left_out, 'value')} left out (NaN or infinite)")
    if view.log and (hidden := sum(_not_positive(run) for run in curves.runs)):
        parts.append(f"{plural(hidden, 'value')} not above zero")
    return " · ".join(parts)


def _not_positive(traced: TracedRun) -> int:
    is_shown = MIN_LOG.__le__
    traces = (traced.line, traced.marks)
    return sum(len(trace) - sum(map(is_shown, trace.values)) for trace in traces)


def describe_cursor(curves: TracedCurves, view: View, *, brief: bool = False) -> str:
    """The values under the cursor: `step 41  0:52  training 0.512  validation 0.612 at 40`.

    Empty where there is no cursor or no value.

    Args:
        curves: the chart.
        view: how it is shown.
        brief: leave out the time, and name other runs by their letters.
    """
    if view.cursor is None or not curves.runs or not len(curves.runs[0].main):
        return ""
    first, *others = curves.runs
    index = first.index_at(view.cursor)
    step = first.main.steps[index]
    parts = [f"step {step}"]
    if not brief:
        parts.append(duration(first.position(XAxis.TIME, index)))
    if len(first.line):
        parts.append(f"{curves.curves.line_label} {_format_reading(first.line.values[index])}")
        if view.smoothing is not Smoothing.OFF:
            parts.append(f"smoothed {_format_reading(first.line.smoothed(view.smoothing)[index])}")
    parts += _value_at(first.marks, first.marks.values, step, curves.curves.marks_label)
    for number, other in enumerate(others, 1):
        name = letter_of(number) if brief else preview(other.run.name, 24)
        parts += _value_at(other.line, other.line.smoothed(view.smoothing), step, name)
    return "  ".join(parts)


def _value_at(trace: Trace, values: Sequence[float], step: int, name: str) -> list[str]:
    """A curve's value at or before a step; empty where there is none."""
    index = bisect_right(trace.steps, step) - 1
    if index < 0:
        return []
    suffix = "" if trace.steps[index] == step else f" at {trace.steps[index]}"
    return [f"{name} {_format_reading(values[index])}{suffix}"]


def _format_reading(value: float) -> str:
    """A value, with three decimals in the range of losses."""
    return f"{value:.3f}" if 0.01 <= abs(value) < 100 else format_value(value)
