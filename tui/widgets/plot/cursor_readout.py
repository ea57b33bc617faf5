"""A chart in words: how it is looked at, and what stands under its cursor."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from tui.domain.text import duration, plural, preview
from tui.widgets.plot.columns import ABOVE_ZERO
from tui.widgets.plot.glyphs import letter_of
from tui.widgets.plot.scales import short
from tui.widgets.plot.trace import Trace, TracedCurves, TracedRun
from tui.widgets.plot.view import Across, Smoothing, View


def view_words(curves: TracedCurves, view: View) -> str:
    """How the chart is looked at: `by step · smoothed weakly (EMA 0.6) · 2 values left out`."""
    parts = [f"by {view.across}"]
    if any(len(one.line) for one in curves.runs):
        parts.append(view.smoothing.words)
    if view.log:
        parts.append("log scale")
    if view.window:
        begin, end = view.window
        by_step = view.across is Across.STEP
        ends = (f"{begin:.0f}", f"{end:.0f}") if by_step else (duration(begin), duration(end))
        parts.append(f"{'steps ' if by_step else ''}{ends[0]} to {ends[1]} (0 shows all)")
    if curves.left_out:
        parts.append(f"{plural(curves.left_out, 'value')} left out (NaN or infinite)")
    if view.log and (hidden := sum(_not_above_zero(one) for one in curves.runs)):
        parts.append(f"{plural(hidden, 'value')} not above zero")
    return " · ".join(parts)


def _not_above_zero(traced: TracedRun) -> int:
    above = ABOVE_ZERO.__le__
    return sum(len(one) - sum(map(above, one.values)) for one in (traced.line, traced.marks))


def cursor_words(curves: TracedCurves, view: View, *, brief: bool = False) -> str:
    """What the cursor reads: `step 41  0:52  training 0.512  validation 0.612 at 40`.

    Empty where there is no cursor, or nothing to read.

    Args:
        curves: the chart.
        view: how it is looked at.
        brief: leave out the time, and call other runs by their letters.
    """
    if view.cursor is None or not curves.runs or not len(curves.runs[0].read):
        return ""
    first, *others = curves.runs
    index = first.index_at(view.cursor)
    step = first.read.steps[index]
    parts = [f"step {step}"]
    if not brief:
        parts.append(duration(first.place(Across.TIME, index)))
    if len(first.line):
        parts.append(f"{curves.curves.line_word} {_figure(first.line.values[index])}")
        if view.smoothing is not Smoothing.OFF:
            parts.append(f"smoothed {_figure(first.line.smoothed(view.smoothing)[index])}")
    parts += _at(first.marks, first.marks.values, step, curves.curves.marks_word)
    for number, other in enumerate(others, 1):
        name = letter_of(number) if brief else preview(other.run.name, 24)
        parts += _at(other.line, other.line.smoothed(view.smoothing), step, name)
    return "  ".join(parts)


def _at(trace: Trace, values: Sequence[float], step: int, name: str) -> list[str]:
    """A curve's value at a step, or the last one before it; nothing where there is none."""
    index = bisect_right(trace.steps, step) - 1
    if index < 0:
        return []
    when = "" if trace.steps[index] == step else f" at {trace.steps[index]}"
    return [f"{name} {_figure(values[index])}{when}"]


def _figure(value: float) -> str:
    """A value with three decimals where it is of the size of a loss."""
    return f"{value:.3f}" if 0.01 <= abs(value) < 100 else short(value)
