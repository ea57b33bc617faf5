"""The history of a job: each record once, oldest first, the end of the job last."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from support.job_records import metrics, status

from tui.domain.jobs.record_order import history, oldest_first


def test_a_history_has_each_record_once_in_order_with_the_end_last() -> None:
    end = status("succeeded", finished_at=102.5)
    records = [metrics(3), end, metrics(1), metrics(3), status("running"), metrics(2), end]
    ordered = history([*records, {"type": "event"}])
    assert [r.get("step") for r in ordered if r["type"] == "metrics"] == [1, 2, 3]
    assert [r["status"] for r in ordered if r["type"] == "status"] == ["running", "succeeded"]
    assert ordered[-1]["status"] == "succeeded"


def test_a_history_keeps_pauses_and_resumptions() -> None:
    states = [
        status(state) | {"at": float(at)}
        for at, state in enumerate(["running", "running", "paused", "running"])
    ]
    assert [r["status"] for r in history(states)] == ["running", "paused", "running"]


def test_events_listed_in_either_direction_are_put_in_order() -> None:
    events = [{"id": str(i), "created_at": i // 3, "data": {"step": i}} for i in range(12)]
    assert oldest_first(events) == events
    assert oldest_first(events[::-1]) == events
    same_second = [{"id": str(i), "created_at": 7, "data": {"step": i}} for i in range(5)]
    assert oldest_first(same_second[::-1]) == same_second
    assert oldest_first(same_second) == same_second


@given(st.permutations(range(8)), st.integers(1, 4))
def test_unordered_events_are_sorted_by_time_and_then_by_step(
    order: list[int], a_second: int
) -> None:
    events = [{"id": str(i), "created_at": i // a_second, "data": {"step": i}} for i in order]
    assert [event["id"] for event in oldest_first(events)] == list("01234567")
