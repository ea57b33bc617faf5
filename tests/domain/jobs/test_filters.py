"""The filter of a job's events: text, and levels under any of their names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.jobs.filters import EventFilter, level_of
from tui.domain.jobs.view import JobEvent

EVENTS = [
    JobEvent("1", 1.0, "info", "Checkpoint created at step 20"),
    JobEvent("2", 2.0, "warning", "The gradient norm was clipped"),
    JobEvent("3", 3.0, "ERROR", "Out of memory at step 20"),
]


@pytest.mark.parametrize(
    ("typed", "matches"),
    [
        ("", "123"),
        ("STEP 20", "13"),
        ("is:warn", "2"),
        ("is:warning", "2"),
        ("is:w", "2"),
        ("is:error step", "3"),
        ("is:warn is:error", "23"),
        ("is:", "123"),
        ("nothing", ""),
    ],
)
def test_a_filter_selects_events_by_text_and_level(typed: str, matches: str) -> None:
    event_filter = EventFilter.parse(typed)
    assert "".join(event.id for event in EVENTS if event_filter.matches(event)) == matches


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="There is no level purple"):
        EventFilter.parse("is:purple")


@given(st.text(), st.text(), st.text())
def test_any_typed_filter_is_parsed_or_refused(typed: str, level: str, message: str) -> None:
    try:
        event_filter = EventFilter.parse(typed)
    except ValueError:
        return
    event = JobEvent("1", 1.0, level, message)
    assert event_filter.matches(event) or event_filter
    assert isinstance(level_of(event), str)
