"""What the screen Jobs knows: which jobs ended or stall, and which servers are away."""

from __future__ import annotations

from tui.domain.jobs.run import Run
from tui.domain.jobs.view import JobView
from tui.screens.jobs.board import JobBoard
from tui.services.errors import FtuiError, KeyMissing, ProviderTrouble
from tui.services.watching.watch import Connection


def test_a_record_of_yesterday_is_no_stall_until_the_server_has_told() -> None:
    board = JobBoard()
    key, now = ("far", "ftjob-1"), 90_000.0
    run = Run(*key)
    run.add({"type": "status", "at": 0.0, "status": "running"})
    for step in range(1, 30):
        run.add({"type": "metrics", "at": float(step), "step": step, "train_loss": 1.0})
    board.listed([run.view()])
    board.followed.add(key)
    assert board.take_notices(now) == []
    board.seen(key, run.view(), Connection(updated_at=now), now)
    assert [notice.event for notice in board.take_notices(now)] == ["stalled"]
    board.seen(key, run.view(), Connection(updated_at=now, error=FtuiError("Away.")), now)
    assert board.take_notices(now) == []


def test_an_end_is_told_however_it_is_seen() -> None:
    board = JobBoard()
    board.listed([JobView("far", "a", "running"), JobView("far", "b", "running")])
    board.listed([JobView("far", "a", "succeeded")])
    board.steered(JobView("far", "b", "cancelled"))
    assert [notice.message for notice in board.take_notices(0.0)] == ["a succeeded", "b cancelled"]
    board.listed([JobView("far", "a", "succeeded"), JobView("far", "old", "failed")])
    assert board.take_notices(0.0) == []


def test_servers_that_are_away_are_named_beside_the_count() -> None:
    board, now = JobBoard(), 1_700_000_000.0
    board.listed([JobView("far", "a", "running")])
    board.answered(["far"], {"lab": ProviderTrouble("Could not reach lab.")}, now)
    board.answered(["far"], {"lab": ProviderTrouble("Could not reach lab.")}, now + 600)
    said = board.headline(now + 610)
    assert said.startswith("1 job, 1 not ended · lab offline since ")
    assert said.endswith(", trying again in 20 s: Could not reach lab.")
    assert board.offline_since["lab"] == now
    board.answered(["lab"], {"box": KeyMissing("There is no key for box.")}, now + 630)
    assert board.headline(now + 630, 0) == (
        "0 of 1 job, 1 not ended · box: There is no key for box. r asks again."
    )
