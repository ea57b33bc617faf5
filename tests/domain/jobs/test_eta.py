"""The pace of a run and the time it has left."""

from __future__ import annotations

import pytest
from support.job_records import metrics, status, view_of

from tui.domain.jobs.descriptions import format_eta
from tui.domain.jobs.eta import PaceMeter


def meter(*marks: tuple[int, float]) -> PaceMeter:
    measured = PaceMeter()
    for step, at in marks:
        measured.step(step, at)
    return measured


def test_an_even_pace_has_no_range() -> None:
    pace = meter(*((step, 2.0 * step) for step in range(50))).pace()
    assert pace
    assert (pace.recent, pace.fastest, pace.slowest) == (2.0, 2.0, 2.0)


def test_the_pace_of_quick_steps_is_measured_from_times_in_whole_seconds() -> None:
    pace = meter(*((step, float(step // 7)) for step in range(200))).pace()
    assert pace
    assert pace.recent == pytest.approx(1 / 7)
    assert pace.slowest == pytest.approx(1 / 7)


def test_the_range_of_the_pace_spans_parts_of_the_recent_steps() -> None:
    quick = [(step, float(step)) for step in range(100)]
    slow = [(100 + step, 100 + 3.0 * step) for step in range(9)]
    pace = meter(*quick, *slow).pace()
    assert pace
    assert pace.fastest < pace.recent < pace.slowest
    assert (pace.fastest, pace.slowest) == (1.0, 3.0)


@pytest.mark.parametrize("again", [(3, 50.0), (11, 2.0)])
def test_going_back_in_steps_or_time_resets_the_pace(again: tuple[int, float]) -> None:
    measured = meter(*((step, float(step)) for step in range(11)), again)
    assert measured.pace() is None


def test_one_step_gives_no_pace() -> None:
    assert meter((1, 5.0)).pace() is None
    assert meter((1, 5.0), (2, 5.0)).pace() is None


def test_the_time_left_has_a_range_where_the_pace_varies() -> None:
    even = [metrics(step, at=100.0 + step) for step in range(1, 57)]
    view = view_of(status("running"), *even)
    assert view.time_left_range(156) == (34, 34)
    assert format_eta(view, 156) == "ETA 0:34"
    slower = [metrics(56 + step, at=156.0 + 3 * step) for step in range(1, 5)]
    view = view_of(status("running"), *even, *slower)
    least, most = view.time_left_range(168) or (0, 0)
    assert least < (view.time_left(168) or 0) < most
    assert " to " in format_eta(view, 168)
    assert format_eta(view_of(status("queued")), 1) == ""
