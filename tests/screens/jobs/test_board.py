"""The board of jobs: notices of ended and stalled jobs, servers that do not answer."""

from __future__ import annotations

from tui.domain.jobs.run import Run
from tui.domain.jobs.view import JobView
from tui.screens.jobs.board import JobBoard
from tui.services.errors import FtuiError, KeyMissing, ProviderTrouble
from tui.services.watching.watch import Connection


def test_a_recorded_job_is_not_stalled_before_its_server_has_answered() -> None:
    board = JobBoard()
    key, now = ("far", "ftjob-1"), 90_000.0
    run = Run(*key)
    run.add({"type": "status", "at": 0.0, "status": "running"})
    for step in range(1, 30):
        run.add({"type": "metrics", "at": float(step), "step": step, "train_loss": 1.0})
    board.update_list([run.view()])
    board.followed.add(key)
    assert board.take_notices(now) == []
    board.update_job(key, run.view(), Connection(updated_at=now), now)
    assert [notice.event for notice in board.take_notices(now)] == ["stalled"]
    board.update_job(key, run.view(), Connection(updated_at=now, error=FtuiError("Away.")), now)
    assert board.take_notices(now) == []


def test_the_end_of_a_job_is_noticed_once_from_lists_and_actions() -> None:
    board = JobBoard()
    board.update_list([JobView("far", "a", "running"), JobView("far", "b", "running")])
    board.update_list([JobView("far", "a", "succeeded")])
    board.update_view(JobView("far", "b", "cancelled"))
    assert [notice.message for notice in board.take_notices(0.0)] == ["a succeeded", "b cancelled"]
    board.update_list([JobView("far", "a", "succeeded"), JobView("far", "old", "failed")])
    assert board.take_notices(0.0) == []


def test_servers_that_do_not_answer_are_named_beside_the_count() -> None:
    board, now = JobBoard(), 1_700_000_000.0
    board.update_list([JobView("far", "a", "running")])
    board.update_outages(["far"], {"lab": ProviderTrouble("Could not reach lab.")}, now)
    board.update_outages(["far"], {"lab": ProviderTrouble("Could not reach lab.")}, now + 600)
    headline = board.headline(now + 610)
    assert headline.startswith("1 job, 1 active · lab offline since ")
    assert headline.endswith(", retrying in 20 s: Could not reach lab.")
    assert board.offline_since["lab"] == now
    board.update_outages(["lab"], {"box": KeyMissing("There is no key for box.")}, now + 630)
    assert board.headline(now + 630, 0) == (
        "0 of 1 job, 1 active · box: There is no key for box. Press r to retry."
    )
