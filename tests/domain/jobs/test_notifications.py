"""Notifications of ended jobs, and the escape sequences that carry them to a desktop."""

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
def test_a_job_that_ends_gives_a_notification_with_its_name(status: str) -> None:
    notice = end_notification(RUNNING, JobView("far", "ftjob-1", status, suffix="tickets"))
    assert notice is not None
    assert notice.message == f"tickets {status}"
    assert notice.payload()["event"] == "ended"
    assert notice.payload()["job"] == "ftjob-1"
    assert notice.payload()["status"] == status


def test_a_failed_job_gives_a_notification_with_the_reason() -> None:
    notice = end_notification(
        RUNNING, JobView("far", "j", "failed", error="The loss is no\x1b[2J number.")
    )
    assert notice is not None
    assert notice.message == "j failed: The loss is no� number."


@pytest.mark.parametrize(
    "before", [None, JobView("far", "j", "succeeded"), JobView("far", "j", "cancelled")]
)
def test_a_job_that_had_ended_before_gives_no_notification(before: JobView | None) -> None:
    assert end_notification(before, JobView("far", "j", "succeeded")) is None


def test_a_job_in_an_unknown_state_has_not_ended() -> None:
    assert end_notification(RUNNING, JobView("far", "j", "archiving")) is None


def test_osc_9_and_osc_777_sequences_have_their_documented_form() -> None:
    assert desktop_sequence("t succeeded", "osc9") == "\x1b]9;ftui: t succeeded\a"
    assert desktop_sequence("t succeeded", "osc777") == "\x1b]777;notify;ftui;t succeeded\a"
    assert desktop_sequence("t succeeded", "off") == ""


def test_a_sequence_is_wrapped_for_tmux() -> None:
    wrapped = desktop_sequence("t ended", "osc9", tmux=True)
    assert wrapped == "\x1bPtmux;\x1b\x1b]9;ftui: t ended\a\x1b\\"


@given(st.text(), st.sampled_from(["osc9", "osc777"]))
def test_no_text_can_break_out_of_the_sequence(text: str, desktop: Desktop) -> None:
    shape = {"osc9": r"\x1b\]9;ftui: ([^;]*)\x07", "osc777": r"\x1b\]777;notify;ftui;([^;]*)\x07"}
    match = re.fullmatch(shape[desktop], desktop_sequence(text, desktop), re.DOTALL)
    assert match
    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", match[1])


def test_text_that_osc_9_reads_as_a_progress_bar_is_altered() -> None:
    assert desktop_sequence("4;1;50", "osc9") == "\x1b]9;ftui: 4,1,50\a"


def test_each_stall_of_a_job_has_its_own_notification() -> None:
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
