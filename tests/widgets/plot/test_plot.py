"""The plot: exact size, points in their places, readable without colour or braille."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.domain.jobs.curves import LARGEST_STEP, Curve, Point, Series
from tui.widgets.plot.canvas import Line
from tui.widgets.plot.cursor_readout import describe_cursor, describe_view
from tui.widgets.plot.curves import Curves, RunCurves
from tui.widgets.plot.drawing import draw
from tui.widgets.plot.glyphs import Ink
from tui.widgets.plot.navigation import follow_run, move_cursor, panned, zoomed
from tui.widgets.plot.scales import format_value, full_range, round_duration, round_up
from tui.widgets.plot.smoothing import Smoothing
from tui.widgets.plot.trace import Trace, TracedCurves
from tui.widgets.plot.view import View, XAxis

BEGAN = 1_790_000_000.0


def curve_of(points: Iterable[Point]) -> Curve:
    series = Series()
    for point in points:
        series.add(*point)
    return series.curve()


def points(*pairs: tuple[int, float]) -> Curve:
    """Points two seconds apart."""
    return curve_of(Point(step, value, BEGAN + 2 * step) for step, value in pairs)


TRAIN = points(*((step, 3 * math.exp(-step / 15) + 0.05) for step in range(1, 57)))
VALID = points((10, 1.8), (20, 1.2), (30, 0.7), (40, 0.5), (50, 0.4))
RUN = RunCurves("mine", TRAIN, VALID, VALID[-1], [20, 40], BEGAN)
CURVES = Curves([RUN], 90)
OTHER = RunCurves("second try", points(*((step, 3.0 - step / 40) for step in range(1, 80))))
BOTH = Curves([RUN, OTHER], 90)
PLAIN = View(smoothing=Smoothing.OFF)
PLAIN_ASCII = replace(PLAIN, braille=False)


def plot(curves: Curves, width: int, height: int, view: View | None = None) -> list[Line]:
    return draw(TracedCurves(curves), width, height, view or View())


def texts(lines: list[Line]) -> list[str]:
    return ["".join(text for text, _ in line) for line in lines]


def inked(lines: list[Line], ink: Ink) -> str:
    return "".join(text for line in lines for text, text_ink in line if text_ink is ink)


steps = st.integers(-LARGEST_STEP, LARGEST_STEP) | st.integers(0, 300)
wild_points = st.lists(st.builds(Point, steps, st.floats(), st.floats()), max_size=30).map(curve_of)
wild_runs = st.builds(
    RunCurves,
    st.text(max_size=30),
    wild_points,
    wild_points,
    st.none() | st.builds(Point, steps, st.floats(), st.floats()),
    st.lists(steps, max_size=4),
    st.none() | st.floats(-1e12, 1e12),
)
wild_curves = st.builds(
    Curves,
    st.lists(wild_runs, max_size=4),
    st.none() | steps,
    empty_message=st.text(max_size=80),
)
wild_views = st.builds(
    View,
    st.sampled_from(XAxis),
    st.booleans(),
    st.sampled_from(Smoothing),
    st.none() | st.tuples(st.floats(0, 1e6), st.floats(0, 1e6)),
    st.none() | steps,
    st.booleans(),
)
widths, heights = st.integers(0, 130), st.integers(0, 40)


@settings(deadline=None)
@given(wild_curves, wild_views, widths, heights)
def test_any_plot_fills_exactly_its_cells(
    curves: Curves, view: View, width: int, height: int
) -> None:
    lines = plot(curves, width, height, view)
    assert [cell_len(text) for text in texts(lines)] == [width] * height


@settings(deadline=None)
@given(wild_curves, wild_views, st.lists(st.sampled_from("+-<>lrx"), max_size=8))
def test_any_keys_lead_to_a_view_that_can_be_drawn_and_described(
    curves: Curves, view: View, keys: list[str]
) -> None:
    traced = TracedCurves(curves)
    moves = {
        "+": lambda view: zoomed(traced, view, 0.5),
        "-": lambda view: zoomed(traced, view, 2),
        "<": lambda view: panned(traced, view, -1),
        ">": lambda view: panned(traced, view, 1),
        "l": lambda view: move_cursor(traced, view, -1, 72),
        "r": lambda view: move_cursor(traced, view, 1, 72),
        "x": View.with_other_axis,
    }
    for key in keys:
        view = moves[key](view)
    assert len(draw(traced, 80, 12, view)) == 12
    assert describe_view(traced, view)
    assert bool(describe_cursor(traced, view)) == (
        view.cursor is not None and bool(traced.runs) and len(traced.runs[0].main) > 0
    )


def test_training_falls_from_the_upper_left_to_the_lower_right() -> None:
    plotted = texts(plot(CURVES, 100, 15, PLAIN_ASCII))
    rows = {line.find("#", 8): y for y, line in enumerate(plotted[:13]) if "#" in line[8:50]}
    assert [rows[column] for column in sorted(rows)] == sorted(rows.values())


@pytest.mark.parametrize("view", [View(), PLAIN, View(x_axis=XAxis.TIME), View(log=True)])
@pytest.mark.parametrize("braille", [True, False])
def test_the_line_has_no_gap(view: View, braille: bool) -> None:
    few = Curves([RunCurves(line=points((1, 3.0), (30, 0.5), (60, 2.5), (90, 1.0)))], 90)
    glyph = "⠀" if braille else "#"
    plotted = texts(plot(few, 90, 16, replace(view, braille=braille)))[:14]
    columns = [
        any(line[x] >= glyph if braille else line[x] == glyph for line in plotted)
        for x in range(12, 60)
    ]
    assert all(columns)


def test_validation_best_and_checkpoints_have_their_own_glyphs() -> None:
    lines = plot(CURVES, 100, 15)
    assert inked(lines, Ink.VALID).count("●") == len(
        VALID
    )  # the best is a star, the legend shows ●
    assert inked(lines, Ink.BEST).count("★") == 2
    assert inked(lines, Ink.CHECKPOINT).count("◆") == 3


def test_the_smoothed_curve_is_a_line_and_raw_values_are_dots() -> None:
    lines = plot(CURVES, 100, 15, View(braille=False))
    assert inked(lines, Ink.LINE).count("#") > 40
    assert 5 < inked(lines, Ink.RAW).count(".") < 60
    text = "".join(texts(lines))
    assert ". training" in text
    assert "# smoothed" in text


def test_an_overlaid_run_has_letters_and_its_name() -> None:
    lines = plot(BOTH, 120, 15)
    assert inked(lines, Ink.OTHER_1).count("B") >= 3
    assert "B second try" in "".join(texts(lines))
    plain = texts(plot(BOTH, 120, 15, View(braille=False)))
    assert "".join(plain).count("b") > 40


def test_the_ascii_plot_has_only_ascii_characters() -> None:
    view = View(braille=False, cursor=30)
    assert all(text.isascii() for text in texts(plot(BOTH, 120, 15, view)))


def test_the_axes_are_labelled() -> None:
    plotted = texts(plot(CURVES, 100, 15, PLAIN))
    assert plotted[0].lstrip().startswith("2.86")
    assert plotted[12].lstrip().startswith("0 ")
    for step in ("0 step", "20", "40", "60", "80"):
        assert step in plotted[-1]


def test_a_narrow_range_is_labelled_with_more_decimals() -> None:
    near = Curves([RunCurves(line=points(*((step, 5.45 + step / 10_000) for step in range(50))))])
    plotted = texts(plot(near, 60, 11, PLAIN))
    assert [plotted[row].split()[0] for row in (0, 4, 8)] == ["5.4549", "5.4525", "5.4500"] or [
        plotted[row].split()[0] for row in (0, 4, 8)
    ] == ["5.455", "5.452", "5.450"]


def test_the_time_axis_starts_with_the_run() -> None:
    plotted = texts(plot(CURVES, 100, 15, View(x_axis=XAxis.TIME)))
    assert "0:00" in plotted[-1]
    assert "1:30" in plotted[-1]


def test_runs_of_different_days_start_together_on_the_time_axis() -> None:
    later = RunCurves("late", curve_of(point._replace(at=point.at + 90_000) for point in TRAIN))
    assert full_range(TracedCurves(Curves([RUN, later])), XAxis.TIME)[1] < 200


def test_the_axis_does_not_grow_while_the_run_goes_on() -> None:
    half = Curves([RunCurves(line=curve_of(TRAIN[:28]))], 90)
    full = Curves([RunCurves(line=TRAIN)], 90)
    assert texts(plot(half, 100, 15))[-1] == texts(plot(full, 100, 15))[-1]


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("value", [1.0, 1e-12, 1e9])
def test_a_flat_line_is_drawn_in_the_middle(value: float, log: bool) -> None:
    flat = Curves([RunCurves(line=points(*((step, value) for step in range(20))))])
    assert texts(plot(flat, 60, 11, replace(PLAIN_ASCII, log=log)))[4].count("#") >= 10


def test_values_that_are_not_finite_are_left_out_and_counted() -> None:
    broken = Curves(
        [replace(RUN, line=curve_of([*TRAIN, *points((57, math.nan), (58, math.inf))]))], 90
    )
    assert plot(broken, 100, 15) == plot(CURVES, 100, 15)
    assert "2 values left out (NaN or infinite)" in describe_view(TracedCurves(broken), View())


def test_a_log_scale_leaves_out_and_counts_values_not_above_zero() -> None:
    line = points((1, 100.0), (2, 1.0), (3, 0.0), (4, -5.0), (5, 0.01))
    mixed = Curves([RunCurves(line=line)])
    view = replace(PLAIN_ASCII, log=True)
    plotted = texts(plot(mixed, 60, 11, view))
    assert [plotted[row].split()[0] for row in (0, 4, 8)] == ["100", "1.00", "0.010"]
    assert "2 values not above zero" in describe_view(TracedCurves(mixed), view)


def test_a_log_scale_without_values_shows_a_message() -> None:
    below = Curves([RunCurves(line=points((1, -1.0), (2, 0.0)))])
    assert "use a linear scale" in "".join(texts(plot(below, 60, 11, View(log=True))))


def test_a_metric_the_server_does_not_report_shows_a_message() -> None:
    empty = Curves([RunCurves()], empty_message="This server does not report gradient norms.")
    assert "does not report gradient norms" in "".join(texts(plot(empty, 60, 11)))


def test_a_moving_average_is_unbiased_at_its_start_and_grows_point_by_point() -> None:
    flat, grown = Trace(), Trace()
    flat.update(points(*((step, 2.5) for step in range(9))))
    assert flat.smoothed(Smoothing.STRONG) == pytest.approx([2.5] * 9)
    complete, series = Trace(), Series()
    complete.update(TRAIN)
    for point in TRAIN:
        series.add(*point)
        grown.update(series.curve())
        grown.smoothed(Smoothing.WEAK)
    assert grown.smoothed(Smoothing.WEAK) == complete.smoothed(Smoothing.WEAK)
    # By hand: (0.6 * a + b) / (0.6 + 1).
    first, second = TRAIN[0].value, TRAIN[1].value
    assert complete.smoothed(Smoothing.WEAK)[1] == pytest.approx((0.6 * first + second) / 1.6)


def test_a_resumed_run_is_drawn_with_its_new_values() -> None:
    trace, fresh, series = Trace(), Trace(), Series()
    for step in range(1, 57):
        series.add(step, 1.0, BEGAN + step)
    trace.update(series.curve())
    series.add(41, 9.0, BEGAN + 60)
    trace.update(series.curve())
    fresh.update(series.curve())
    assert trace.values[40] == 9.0
    assert (trace.steps, trace.values) == (fresh.steps, fresh.values)


def test_the_cursor_reads_a_step_and_the_last_validation_before_it() -> None:
    traced = TracedCurves(BOTH)
    view = move_cursor(traced, replace(PLAIN, cursor=43), -1, 92)
    assert view.cursor == 42
    text = describe_cursor(traced, view)
    assert text.startswith("step 42  1:24  training 0.232")
    assert "validation 0.500 at 40" in text
    assert "second try 1.950" in text
    assert "smoothed" in describe_cursor(traced, replace(view, smoothing=Smoothing.STRONG))


def test_the_cursor_is_a_line_of_one_column() -> None:
    without = plot(CURVES, 100, 15)
    with_it = plot(CURVES, 100, 15, View(cursor=30))
    differing = {
        x
        for old, new in zip(texts(without), texts(with_it), strict=True)
        for x, pair in enumerate(zip(old, new, strict=True))
        if pair[0] != pair[1]
    }
    assert len(differing) == 1


def test_the_cursor_reaches_every_point_and_moves_a_zoomed_window() -> None:
    traced = TracedCurves(CURVES)
    view, steps_read = replace(View(), window=(10.0, 30.0), cursor=12), []
    for _ in range(40):
        view = move_cursor(traced, view, 1, 92)
        steps_read.append(view.cursor)
    assert steps_read == [*range(13, 53)]


def test_zooming_in_keeps_the_cursor_visible_and_zooming_out_shows_all() -> None:
    traced = TracedCurves(CURVES)
    near = zoomed(traced, View(cursor=30), 0.5)
    assert near.window
    assert near.window[0] < 30 < near.window[1]
    assert near.window[1] - near.window[0] == 45
    assert zoomed(traced, near, 2).window is None
    assert panned(traced, near, 1).window == (near.window[0] + 11.25, near.window[1] + 11.25)
    assert "steps 15 to 60 (0 shows all)" in describe_view(traced, near)


def test_a_zoomed_window_follows_the_newest_point() -> None:
    traced = TracedCurves(Curves([RunCurves(line=curve_of(TRAIN[:40]))], 90))
    view = View(window=(20.0, 40.0))
    traced.update(CURVES)
    moved = follow_run(traced, view, 40.0)
    assert moved.window
    assert moved.window[0] < 56 < moved.window[1]
    assert follow_run(traced, View(window=(0.0, 10.0)), 40.0).window == (0.0, 10.0)


@settings(deadline=None)
@given(st.floats(0, 1e14))
def test_rounding_up_never_goes_below_the_value(value: float) -> None:
    assert round_up(value) >= value
    assert round_duration(value) >= value


@settings(deadline=None)
@given(st.floats(-1e30, 1e30))
@example(-5.3e-263)
@example(-9.99e-99)
@example(-99_999.7)
def test_a_label_takes_at_most_six_cells(value: float) -> None:
    assert len(format_value(value)) <= 6
