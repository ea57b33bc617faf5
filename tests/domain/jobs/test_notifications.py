"""What is told of a job that ended, and the escape sequences that carry it to a desktop."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.jobs.notifications import (
    Desktop,
    desktop_sequence,
    end_notification,
    stall_notification,
)
from tui.domain.jobs.run import Run
from tui.domain.jobs.view import JobView

RUNNING = JobView("far", "ftjob-1", "running", suffix="tickets")


@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled"])
def test_a_job_that_is_seen_to_end_is_told_with_its_name(status: str) -> None:
    notice = end_notification(RUNNING, JobView("far", "ftjob-1", status, suffix="tickets"))
    assert notice is not None
    assert notice.message == f"tickets {status}"
    assert notice.payload()["event"] == "ended"
    assert notice.payload()["job"] == "ftjob-1"
    assert notice.payload()["status"] == status


def test_a_failure_is_told_with_its_reason() -> None:
    notice = end_notification(
        RUNNING, JobView("far", "j", "failed", error="The loss is no\x1b[2J number.")
    )
    assert notice is not None
    assert notice.message == "j failed: The loss is no� number."


@pytest.mark.parametrize(
    "before", [None, JobView("far", "j", "succeeded"), JobView("far", "j", "cancelled")]
)
def test_a_job_that_had_ended_before_is_no_news(before: JobView | None) -> None:
    assert end_notification(before, JobView("far", "j", "succeeded")) is None


def test_a_job_that_goes_on_in_a_state_that_nobody_knows_has_not_ended() -> None:
    assert end_notification(RUNNING, JobView("far", "j", "archiving")) is None


def test_osc_9_and_osc_777_look_as_terminals_want_them() -> None:
    assert desktop_sequence("t succeeded", "osc9") == "\x1b]9;ftui: t succeeded\a"
    assert desktop_sequence("t succeeded", "osc777") == "\x1b]777;notify;ftui;t succeeded\a"
    assert desktop_sequence("t succeeded", "off") == ""


def test_tmux_hands_a_sequence_on_when_it_is_wrapped() -> None:
    wrapped = desktop_sequence("t ended", "osc9", tmux=True)
    assert wrapped == "\x1bPtmux;\x1b\x1b]9;ftui: t ended\a\x1b\\"


@given(st.text(), st.sampled_from(["osc9", "osc777"]))
def test_no_text_ends_the_sequence_or_gives_a_command(text: str, desktop: Desktop) -> None:
    shape = {"osc9": r"\x1b\]9;ftui: ([^;]*)\x07", "osc777": r"\x1b\]777;notify;ftui;([^;]*)\x07"}
    match = re.fullmatch(shape[desktop], desktop_sequence(text, desktop), re.DOTALL)
    assert match
    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", match[1])


def test_4_semicolon_is_no_progress_bar() -> None:
    assert desktop_sequence("4;1;50", "osc9") == "\x1b]9;ftui: 4,1,50\a"


def test_a_job_that_stands_still_is_told_once_for_each_time() -> None:
    run = Run("far", "ftjob-1")
    run.add({"type": "status", "at": 0.0, "status": "running", "suffix": "tickets"})
    for step in range(1, 30):
        run.add({"type": "metrics", "at": float(step), "step": step, "train_loss": 1.0})
    assert stall_notification(run.view(), 31.0) is None
    notice = stall_notification(run.view(), 3_600.0)
    assert notice is not None
    assert notice.event == "stalled"
    assert notice.message.startswith("tickets: ")
    run.add({"type": "metrics", "at": 3_600.0, "step": 30, "train_loss": 1.0})
    again = stall_notification(run.view(), 90_000.0)
    assert again is not None
    assert again.key != notice.key
