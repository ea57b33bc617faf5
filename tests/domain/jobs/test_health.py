"""When a run gets a health note, and when it does not."""

from __future__ import annotations

import math

import pytest
from support.job_records import metrics, status, view_of

from tui.domain.jobs.health import health_notes, loss_ratio, stalled
from tui.domain.jobs.records import Record
from tui.domain.jobs.view import JobView


def kinds(view: JobView, now: float = 0.0) -> list[str]:
    return [note.kind for note in health_notes(view, now)]


def run(train: list[float], valid: dict[int, float] | None = None) -> JobView:
    records: list[Record] = [status("running", created_at=100)]
    for step, loss in enumerate(train, start=1):
        more = {"full_valid_loss": valid[step]} if valid and step in valid else {}
        records.append(metrics(step, train_loss=loss, **more))
    return view_of(*records)


def falling(count: int) -> list[float]:
    return [3.0 * 0.97**step for step in range(count)]


def test_a_healthy_run_has_no_notes() -> None:
    good = {step: 3.1 * 0.97**step for step in (10, 20, 30, 40)}
    assert kinds(run(falling(40), good)) == []
    assert kinds(run([])) == []


def test_rising_validation_loss_is_reported_with_the_step_where_it_began() -> None:
    losses = {10: 0.9, 20: 0.5, 30: 0.55, 40: 0.56, 50: 0.61}
    (note,) = [note for note in health_notes(run(falling(50), losses), 0) if note.kind != "gap"]
    assert "risen since step 20: 0.610 now, 0.500 then" in note.text
    assert "2%" in note.rule


@pytest.mark.parametrize("last", [{50: 0.505}, {50: 0.4}, {}])
def test_two_higher_validations_or_a_tiny_increase_are_not_reported(last: dict[int, float]) -> None:
    losses = {10: 0.9, 20: 0.5, 30: 0.55, 40: 0.56, **last}
    assert "overfitting" not in kinds(run(falling(50), losses))


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_is_reported_with_its_first_step(loss: float) -> None:
    note = health_notes(run([1.0, 0.9, loss, loss]), 0)[0]
    assert (note.kind, note.tone.value) == ("diverged", "bad")
    assert f"{loss} since step 3" in note.text
    assert kinds(run([1.0, loss, 0.9])) == []
    assert "since step 1" in health_notes(run([loss]), 0)[0].text


def test_a_constant_loss_is_flat_unless_the_run_is_short_or_has_ended() -> None:
    flat = [1.0 + 0.01 * (step % 2) for step in range(100)]
    assert kinds(run(flat)) == ["flat"]
    assert kinds(run(flat[:99])) == []
    assert kinds(run(falling(100))) == []
    ended = view_of(*(metrics(n, train_loss=1.0) for n in range(1, 120)), status("succeeded"))
    assert kinds(ended) == []


def test_validation_loss_far_above_training_loss_is_reported_with_the_ratio() -> None:
    view = run([0.2] * 30, {30: 0.5})
    assert loss_ratio(view) == pytest.approx(2.5)
    (note,) = health_notes(view, 0)
    assert "2.5 times the training loss" in note.text
    assert kinds(run([0.2] * 19, {19: 0.5})) == []
    assert loss_ratio(run([0.2])) is None


def test_a_run_without_a_step_for_two_minutes_is_stalled() -> None:
    view = run(falling(30))
    last = view.last_step_at or 0.0
    assert stalled(view, last + 119) is None
    assert stalled(view, last + 120) == 120
    (note,) = health_notes(view, last + 300)
    assert "No step for 5 minutes" in note.text


def test_a_slow_run_stalls_after_ten_steps_time_and_a_paused_one_never() -> None:
    slow = [metrics(step, at=1000.0 + 60 * step) for step in range(1, 5)]
    view = view_of(status("running"), *slow)
    assert stalled(view, 1240 + 599) is None
    assert stalled(view, 1240 + 600) == 600
    assert stalled(view_of(status("running"), *slow, status("paused")), 9999) is None
    assert stalled(view_of(status("running")), 9999) is None


def test_a_stall_is_measured_with_the_servers_clock() -> None:
    skewed = [status("running") | {"clock_ahead": -3600.0}, metrics(1, at=6400.0)]
    assert stalled(view_of(*skewed), 10_060) is None
    assert stalled(view_of(*skewed), 10_120) == 120
