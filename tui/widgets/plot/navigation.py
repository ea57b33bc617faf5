"""Moving about in a chart: the cursor from point to point, the part that is shown."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

from tui.widgets.plot.columns import Span, spans_of
from tui.widgets.plot.scales import place_scale, whole_axis
from tui.widgets.plot.trace import TracedCurves
from tui.widgets.plot.view import View

_PAN = 0.25


def with_cursor_moved(curves: TracedCurves, view: View, by: int, columns: int) -> View:
    """The view with its cursor some points further; it begins at the last one in sight.

    Of several points in one column of cells the last one is read. At the end of a part that is
    shown, the part moves along.

    Args:
        curves: the chart.
        view: how it is looked at.
        by: columns that hold points, to the right; negative to the left.
        columns: cells of the canvas.
    """
    if not curves or not len(curves.runs[0].read):
        return view
    target, spans = _target(curves, view, by, columns)
    if view.cursor is not None and not 0 <= target < len(spans):
        view = panned(curves, view, by)
        target, spans = _target(curves, view, by, columns)
    if not spans:
        return view
    span = spans[max(0, min(target, len(spans) - 1))]
    return replace(view, cursor=curves.runs[0].read.steps[span.end - 1])


def _target(curves: TracedCurves, view: View, by: int, columns: int) -> tuple[int, Sequence[Span]]:
    """Which of the columns in sight the cursor shall come to, and those columns."""
    first = curves.runs[0]
    spans = spans_of(first, first.read, place_scale(curves, view), columns)
    if view.cursor is None:
        return len(spans) - 1, spans
    index = first.index_at(view.cursor)
    return bisect_right([span.begin for span in spans], index) - 1 + by, spans


def zoomed(curves: TracedCurves, view: View, factor: float) -> View:
    """The view with `factor` times as much in sight, around the cursor or the newest point."""
    whole = whole_axis(curves, view.across)
    begin, end = view.window or whole
    about = newest_place(curves, view)
    if view.cursor is not None and curves and len(curves.runs[0].read):
        first = curves.runs[0]
        about = first.place(view.across, first.index_at(view.cursor))
    return view.zoomed(factor, whole, min(max(about, begin), end))


def panned(curves: TracedCurves, view: View, by: int) -> View:
    """The view a quarter of its width further."""
    sign = 1 if by > 0 else -1
    return view.panned(sign * _PAN, whole_axis(curves, view.across))


def newest_place(curves: TracedCurves, view: View) -> float:
    """Where the last point of the chart's own run stands; 0 where it has none."""
    if not curves or not len(curves.runs[0].read):
        return 0.0
    return curves.runs[0].place(view.across, len(curves.runs[0].read) - 1)


def caught_up(curves: TracedCurves, view: View, seen: float) -> View:
    """The view, moved along where the run has left the part in which it was seen.

    Args:
        curves: the chart as it is now.
        view: how it is looked at.
        seen: where the newest point stood before.
    """
    if view.window is None or not view.window[0] <= seen <= view.window[1]:
        return view
    newest, width = newest_place(curves, view), view.window[1] - view.window[0]
    if newest <= view.window[1]:
        return view
    by = (newest - view.window[1]) / width + _PAN
    return view.panned(by, whole_axis(curves, view.across))
