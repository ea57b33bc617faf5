"""A growing series and the curves taken from it."""

from __future__ import annotations

import math
from array import array
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tui.domain.jobs.curves import Curve, Series, mean

STEPS = st.integers(0, 40)
VALUES = st.floats(allow_subnormal=False)
RECORDED = st.lists(st.tuples(STEPS, VALUES), max_size=60)


def series_of(*recorded: tuple[int, float]) -> Series:
    series = Series()
    for at, (step, value) in enumerate(recorded):
        series.add(step, value, float(at))
    return series


@given(RECORDED)
def test_a_curve_has_the_last_value_of_each_step_in_step_order(
    recorded: list[tuple[int, float]],
) -> None:
    curve = series_of(*recorded).curve()
    last = {step: (repr(value), float(at)) for at, (step, value) in enumerate(recorded)}
    assert list(curve.steps) == sorted(last)
    assert [(repr(value), at) for _, value, at in curve] == [last[step] for step in sorted(last)]


@given(RECORDED, RECORDED)
def test_later_values_do_not_change_a_curve_taken_earlier(
    before: list[tuple[int, float]], after: list[tuple[int, float]]
) -> None:
    series = series_of(*before)
    curve = series.curve()
    snapshot = repr(list(curve)), repr(curve.lowest)
    for step, value in after:
        series.add(step, value, 1.0)
        series.curve()
    assert (repr(list(curve)), repr(curve.lowest)) == snapshot


@given(RECORDED, RECORDED)
def test_a_curve_extends_another_only_if_it_starts_with_all_its_points(
    before: list[tuple[int, float]], after: list[tuple[int, float]]
) -> None:
    series = series_of(*before)
    curve = series.curve()
    for step, value in after:
        series.add(step, value, 1.0)
        later = series.curve()
        if later.extends(curve):
            assert repr(list(later)[: len(curve)]) == repr(list(curve))
    steps = [*curve.steps, *(step for step, _ in after)]
    rises = all(left < right for left, right in pairwise(steps))
    assert series.curve().extends(curve) or not rises


@given(RECORDED)
def test_the_lowest_point_has_the_lowest_finite_value(recorded: list[tuple[int, float]]) -> None:
    curve = series_of(*recorded).curve()
    finite = [point.value for point in curve if math.isfinite(point.value)]
    if finite:
        assert curve.lowest is not None
        assert curve.lowest.value == min(finite)
        assert curve.lowest in list(curve)
    else:
        assert curve.lowest is None


def test_a_mean_ignores_values_that_are_not_finite() -> None:
    assert mean(array("d", [1, math.nan, 3, math.inf])) == 2
    assert mean(array("d", [math.nan])) is None
    assert mean(array("d")) is None


def test_a_curve_is_a_sequence_of_points() -> None:
    curve = series_of((1, 0.5), (4, 0.25)).curve()
    assert curve[-1] == (4, 0.25, 1)
    assert curve[:1] == ((1, 0.5, 0),)
    assert list(curve.tail(1)) == [0.25]
    assert list(curve.until(3, 9)) == [0.5]
    assert (len(curve), bool(Curve())) == (2, False)
    assert curve == series_of((1, 0.5), (4, 0.25)).curve()
    assert curve != series_of((1, 0.5)).curve()
