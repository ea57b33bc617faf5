"""Steering jobs from the list: cancel, pause, stop with a checkpoint, rerun."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from servers.misbehaving import MisbehavingServer
from support.jobs_screen import (
    SIZES,
    add_job_with_steps,
    notices_text,
    open_jobs,
    question,
    question_is_open,
    rows,
    screen,
)
from support.waiting import until
from textual.widgets import Input

from tui.app import FtuiApp
from tui.dialogs.jobs.new_job import NewJob
from tui.dialogs.providers import ProviderList
from tui.domain.loop import Mode
from tui.domain.submission.job_request import JobRequest
from tui.screens.jobs.list_screen import JobsScreen
from tui.settings import NotifySettings, Settings

ChatFile = Callable[..., Path]
AppOf = Callable[[Settings], FtuiApp]


async def test_the_question_before_cancelling_names_the_lost_steps(
    far_app: FtuiApp, server: MisbehavingServer
) -> None:
    add_job_with_steps(server)
    server.save(40, full_valid_loss=0.08)
    async with far_app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: bool(screen(far_app).board.views))
        view = screen(far_app).board.views
        await until(pilot, lambda: bool(view["far", "ftjob-1"].checkpoints))
        await pilot.press("C")
        await until(pilot, lambda: question_is_open(far_app))
        text = " ".join(question(far_app).split())
        assert "Steps 41 to 56 are lost, and any trained meanwhile." in text
        assert "The checkpoint of step 40 (validation loss 0.080) is kept" in text


async def test_stopping_keeps_a_checkpoint_and_shows_its_name(
    far_app: FtuiApp, server: MisbehavingServer
) -> None:
    server.can_pause = True
    add_job_with_steps(server)
    async with far_app.run_test(size=(80, 24)) as pilot:
        await open_jobs(far_app, pilot)
        await pilot.press("K")
        await until(pilot, lambda: question_is_open(far_app))
        assert "No step is lost" in question(far_app)
        await pilot.press("y")
        await until(pilot, lambda: "■ cancelled" in rows(far_app)[0])
        assert "kept as ft:base:ftjob-1:ckpt-step-56: chat with it" in notices_text(far_app)
        assert screen(far_app).tuned_model() == "ft:base:ftjob-1:ckpt-step-56"
        assert screen(far_app).disabled_reason("evaluate") is None


async def test_after_one_attempt_the_keys_explain_that_the_server_cannot_pause(
    far_app: FtuiApp, server: MisbehavingServer
) -> None:
    add_job_with_steps(server)
    server.save(40)
    async with far_app.run_test(size=(80, 24)) as pilot:
        await open_jobs(far_app, pilot)
        await pilot.press("p")
        await until(pilot, lambda: "cannot pause a job" in notices_text(far_app))
        for action in ("pause", "stop"):
            reason = str(screen(far_app).disabled_reason(action))
            assert "The provider far cannot pause a job" in reason
            assert "The checkpoint of step 40 is kept" in reason
        assert screen(far_app).disabled_reason("cancel") is None


async def test_pause_and_resume_are_one_key(far_app: FtuiApp, server: MisbehavingServer) -> None:
    server.can_pause = True
    add_job_with_steps(server)
    async with far_app.run_test(size=(80, 24)) as pilot:
        await open_jobs(far_app, pilot)
        await pilot.press("p")
        await until(pilot, lambda: "‖ paused" in rows(far_app)[0])
        await pilot.press("p")
        await until(pilot, lambda: "… queued" in rows(far_app)[0])


async def test_a_failed_job_is_rerun_with_its_request(
    far_app: FtuiApp, server: MisbehavingServer, chat_file: ChatFile
) -> None:
    request = JobRequest(training_file=chat_file(), model="base", provider="far", suffix="mine")
    await far_app.services.jobs.submit(request)
    server.finish(status="failed")
    async with far_app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: bool(rows(far_app)) and "✗ failed" in rows(far_app)[0])
        await pilot.press("R")
        await until(
            pilot, lambda: isinstance(far_app.screen, NewJob) and bool(far_app.screen.query(Input))
        )
        assert far_app.screen.query_one("#suffix", Input).value == "mine"


@pytest.mark.long
async def test_the_hook_runs_once_for_an_ended_job_whatever_step_is_shown(
    far_settings: Settings, app_of: AppOf, server: MisbehavingServer, tmp_path: Path
) -> None:
    hook_output = tmp_path / "hook-output"
    code = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read() + chr(10))"
    hook = NotifySettings(command=(sys.executable, "-c", code, str(hook_output)))
    app = app_of(far_settings.model_copy(update={"notify": hook}))
    add_job_with_steps(server)
    async with app.run_test(size=(80, 24)) as pilot:
        await open_jobs(app, pilot)
        await pilot.press("enter", "1", "3", "1")
        server.finish()
        await until(pilot, lambda: hook_output.exists() and hook_output.read_text().endswith("\n"))
        assert app.current_mode == Mode.DECIDE.value
        await pilot.press("3")
        screen(app).redraw()
        await pilot.pause(0.3)
    (line,) = hook_output.read_text().splitlines()
    job = json.loads(line)
    assert (job["event"], job["job"], job["status"]) == ("ended", "ftjob-1", "succeeded")
    assert job["message"] == "tickets succeeded"


@pytest.mark.parametrize("command", [("/no/such/program",), ("sh", "-c", "exit 4")])
async def test_a_failing_hook_is_shown_and_the_screen_goes_on(
    far_settings: Settings, app_of: AppOf, server: MisbehavingServer, command: tuple[str, ...]
) -> None:
    hook = NotifySettings(command=command)
    app = app_of(far_settings.model_copy(update={"notify": hook}))
    add_job_with_steps(server)
    async with app.run_test(size=(80, 24)) as pilot:
        await open_jobs(app, pilot)
        server.finish()
        await pilot.press("r")
        await until(pilot, lambda: "of notify.command" in notices_text(app))
        assert "✓ succeeded" in rows(app)[0]


@pytest.mark.parametrize("size", SIZES)
async def test_a_job_is_cancelled_only_after_confirmation(
    far_app: FtuiApp, server: MisbehavingServer, size: tuple[int, int]
) -> None:
    add_job_with_steps(server)
    async with far_app.run_test(size=size) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: bool(rows(far_app)))
        await pilot.press("C")
        await until(
            pilot,
            lambda: question_is_open(far_app),
        )
        await pilot.press("n")
        await pilot.pause()
        assert server.jobs["ftjob-1"]["status"] == "running"
        await pilot.press("C")
        await until(
            pilot,
            lambda: question_is_open(far_app),
        )
        await pilot.press("y")
        await until(pilot, lambda: server.jobs["ftjob-1"]["status"] == "cancelled")
        await until(pilot, lambda: "cancelled" in rows(far_app)[0])


async def test_disabled_actions_have_a_reason(far_app: FtuiApp, server: MisbehavingServer) -> None:
    add_job_with_steps(server)
    server.finish(status="failed")
    async with far_app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: bool(rows(far_app)))
        jobs = screen(far_app)
        assert "has ended" in str(jobs.disabled_reason("cancel"))
        assert "succeeded" in str(jobs.disabled_reason("evaluate"))


async def test_a_finished_job_goes_on_to_its_evaluation(
    far_app: FtuiApp, server: MisbehavingServer
) -> None:
    add_job_with_steps(server)
    server.finish()
    async with far_app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: bool(rows(far_app)) and "succeeded" in rows(far_app)[0])
        await pilot.press("e")
        await until(pilot, lambda: far_app.current_mode == Mode.EVALUATE.value)


async def test_an_action_the_server_lacks_is_disabled_after_the_first_attempt(
    far_app: FtuiApp, server: MisbehavingServer
) -> None:
    add_job_with_steps(server)
    server.missing_paths = {"pause", "ftui-no-such-path"}
    async with far_app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: bool(rows(far_app)))
        assert screen(far_app).disabled_reason("pause") is None
        await pilot.press("p")
        await until(pilot, lambda: screen(far_app).disabled_reason("pause") is not None)
        assert "far cannot pause a job" in str(screen(far_app).disabled_reason("pause"))
        await pilot.press("P")
        await until(pilot, lambda: isinstance(far_app.screen, ProviderList))
        await pilot.press("escape")
        assert isinstance(far_app.screen, JobsScreen)
