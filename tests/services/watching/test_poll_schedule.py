"""When a server is polled again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tui.services.clock import Clock
from tui.services.providers.failures import retry_after
from tui.services.watching.poll_priority import PollPriority
from tui.services.watching.poll_schedule import (
    LOCAL_INTERVALS,
    LONGEST_RETRY_AFTER,
    REMOTE_INTERVALS,
    PollIntervals,
    PollSchedule,
)


def make_schedule(chance: float = 1.0, pace: object = LOCAL_INTERVALS) -> PollSchedule:
    return PollSchedule(pace, Clock(random=lambda: chance))  # type: ignore[arg-type]


def test_a_job_with_news_is_polled_often_and_a_quiet_one_less_and_less() -> None:
    schedule = make_schedule()
    assert schedule.after_answer("running", news=True) == LOCAL_INTERVALS.moving
    quiet = [schedule.after_answer("running", news=False) for _ in range(6)]
    assert quiet == sorted(quiet)
    assert quiet[-1] == LOCAL_INTERVALS.quiet
    assert schedule.after_answer("running", news=True) == LOCAL_INTERVALS.moving


def test_a_queued_job_is_polled_slowly() -> None:
    assert (
        make_schedule(pace=REMOTE_INTERVALS).after_answer("queued", news=True)
        == REMOTE_INTERVALS.waiting
    )


@pytest.mark.parametrize("pace", [LOCAL_INTERVALS, REMOTE_INTERVALS])
def test_a_lower_priority_means_slower_polling(pace: PollIntervals) -> None:
    pauses = [
        make_schedule(pace=pace).after_answer("running", news=True, priority=level)
        for level in (PollPriority.WATCHED, PollPriority.LISTED, PollPriority.HIDDEN)
    ]
    assert pauses == sorted(pauses)
    assert pauses[0] < pauses[2]


def test_an_unreachable_server_is_retried_sooner_than_a_failing_one() -> None:
    failing, unreachable = make_schedule(), make_schedule()
    for _ in range(10):
        slow_retry, quick_retry = failing.after_failure(), unreachable.after_failure(offline=True)
    assert (slow_retry, quick_retry) == (
        LOCAL_INTERVALS.longest_retry,
        LOCAL_INTERVALS.longest_offline,
    )
    unreachable.reset()
    assert unreachable.after_failure(offline=True) == LOCAL_INTERVALS.first_retry


def test_failures_double_the_pause_up_to_a_limit_and_an_answer_resets_it() -> None:
    schedule = make_schedule()
    pauses = [schedule.after_failure() for _ in range(12)]
    assert pauses[:4] == [1, 2, 4, 8]
    assert pauses[-1] == LOCAL_INTERVALS.longest_retry
    schedule.after_answer("running", news=True)
    assert schedule.after_failure() == 1


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_retry_pauses_have_random_jitter_between_half_and_all(chance: float) -> None:
    assert make_schedule(chance).after_failure() == LOCAL_INTERVALS.first_retry * (0.5 + chance / 2)


def test_retry_after_is_respected_up_to_a_limit() -> None:
    assert make_schedule().after_failure(37) == 37
    assert make_schedule().after_failure(1e9) == LONGEST_RETRY_AFTER


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "12"}, 12),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "Mon, 23 Nov 2026 10:00:30 GMT"}, 30),
        ({"retry-after": "Mon, 23 Nov 2026 09:00:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_all_its_forms(
    headers: dict[str, str], seconds: float | None
) -> None:
    now = datetime(2026, 11, 23, 10, 0, 0, tzinfo=UTC)
    assert retry_after(headers, now) == seconds
