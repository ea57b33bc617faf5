"""Navigation in a chart: moving the cursor, zooming, panning, following the newest point."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

from tui.widgets.plot.columns import Span, column_spans
from tui.widgets.plot.scales import full_range, x_scale
from tui.widgets.plot.trace import TracedCurves
from tui.widgets.plot.view import View

_PAN = 0.25


def move_cursor(curves: TracedCurves, view: View, by: int, columns: int) -> View:
    """The view with its cursor moved; a new cursor starts at the last point in sight.

    Of several points in one column of cells the cursor takes the last. At the end of a zoomed
    window the window moves along.

    Args:
        curves: the chart.
        view: how it is shown.
        by: how many columns with points to move to the right; negative moves to the left.
        columns: cells of the canvas.
    """
    if not curves or not len(curves.runs[0].main):
        return view
    target, spans = _target(curves, view, by, columns)
    if view.cursor is not None and not 0 <= target < len(spans):
        view = panned(curves, view, by)
        target, spans = _target(curves, view, by, columns)
    if not spans:
        return view
    span = spans[max(0, min(target, len(spans) - 1))]
    return replace(view, cursor=curves.runs[0].main.steps[span.end - 1])


def _target(curves: TracedCurves, view: View, by: int, columns: int) -> tuple[int, Sequence[Span]]:
    """The index of the column to move the cursor to, and the columns in sight."""
    first = curves.runs[0]
    spans = column_spans(first, first.main, x_scale(curves, view), columns)
    if view.cursor is None:
        return len(spans) - 1, spans
    index = first.index_at(view.cursor)
    return bisect_right([span.begin for span in spans], index) - 1 + by, spans


def zoomed(curves: TracedCurves, view: View, factor: float) -> View:
    """The view zoomed by a factor around the cursor, or the newest point."""
    whole = full_range(curves, view.x_axis)
    begin, end = view.window or whole
    about = newest_position(curves, view)
    if view.cursor is not None and curves and len(curves.runs[0].main):
        first = curves.runs[0]
        about = first.position(view.x_axis, first.index_at(view.cursor))
    return view.zoomed(factor, whole, min(max(about, begin), end))


def panned(curves: TracedCurves, view: View, by: int) -> View:
    """The view moved by a quarter of its width."""
    sign = 1 if by > 0 else -1
    return view.panned(sign * _PAN, full_range(curves, view.x_axis))


def newest_position(curves: TracedCurves, view: View) -> float:
    """The position of the last point of the main run; 0 where it has none."""
    if not curves or not len(curves.runs[0].main):
        return 0.0
    return curves.runs[0].position(view.x_axis, len(curves.runs[0].main) - 1)


def follow_run(curves: TracedCurves, view: View, previous: float) -> View:
    """The view, moved along where the newest point has just left its window.

    Args:
        curves: the updated chart.
        view: how it is shown.
        previous: the position of the newest point before the update.
    """
    if view.window is None or not view.window[0] <= previous <= view.window[1]:
        return view
    newest, width = newest_position(curves, view), view.window[1] - view.window[0]
    if newest <= view.window[1]:
        return view
    by = (newest - view.window[1]) / width + _PAN
    return view.panned(by, full_range(curves, view.x_axis))
