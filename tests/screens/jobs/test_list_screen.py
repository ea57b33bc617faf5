"""The Jobs screen against a real server, at 80x24 and 120x40."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from servers.misbehaving import MisbehavingServer
from support.jobs_screen import (
    SIZES,
    add_job_with_steps,
    fast_app,
    headline,
    open_jobs,
    panel_text,
    rows,
    screen,
)
from support.waiting import until
from textual.widgets import Static

from tui.app import FtuiApp
from tui.domain.loop import Mode
from tui.domain.submission.job_request import JobRequest
from tui.services.container import Services
from tui.services.providers.engine_process import EngineProcess
from tui.settings import Settings
from tui.widgets.line_table import LineTable
from tui.widgets.loop_bar import LoopStep


def loop_text(app: FtuiApp) -> str:
    steps = app.screen.query(LoopStep)
    return "".join(str(step.render()) for step in steps if step.mode is Mode.JOBS)


@pytest.mark.parametrize("size", SIZES)
async def test_an_empty_list_explains_the_screen_and_how_to_start(
    far_app: FtuiApp, size: tuple[int, int]
) -> None:
    async with far_app.run_test(size=size) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "No jobs yet" in headline(far_app))
        text = str(far_app.screen.query_one("#jobs-empty", Static).render())
        assert "Press n for a new job" in text


@pytest.mark.parametrize("size", SIZES)
async def test_a_running_job_is_listed_and_opens_live(
    far_app: FtuiApp, server: MisbehavingServer, size: tuple[int, int]
) -> None:
    add_job_with_steps(server)
    async with far_app.run_test(size=size) as pilot:
        await open_jobs(far_app, pilot)
        assert "▶ running" in rows(far_app)[0]
        assert "tickets" in rows(far_app)[0]
        assert "62%" in loop_text(far_app)
        await pilot.press("enter")
        await until(pilot, lambda: "step 56/90" in panel_text(far_app))
        assert "best 0.064 at 50" in panel_text(far_app)
        assert "updated" in panel_text(far_app)
        await pilot.press("escape")
        await until(pilot, lambda: far_app.screen is screen(far_app))


async def test_the_loop_bar_follows_a_recorded_job_from_another_screen(
    far_app: FtuiApp, server: MisbehavingServer, training: Path
) -> None:
    request = JobRequest(training_file=training, model="base", provider="far")
    await far_app.services.jobs.submit(request)
    async with far_app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "▶ queued" in loop_text(far_app))
        server.jobs["ftjob-1"]["status"] = "running"
        server.finish()
        await until(pilot, lambda: "✓ succeeded" in loop_text(far_app))
        assert far_app.current_mode == Mode.DECIDE.value


async def test_what_happened_while_the_app_was_closed_is_shown(
    far_settings: Settings, server: MisbehavingServer
) -> None:
    add_job_with_steps(server, 10)
    first = fast_app(far_settings)
    async with first.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: bool(rows(first)) and "11%" in rows(first)[0])
    for step in range(11, 91):
        server.add_step(step, total_steps=90)["created_at"] = time.time() + step
    server.finish()
    second = fast_app(far_settings)
    async with second.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: bool(rows(second)) and "succeeded" in rows(second)[0])
        await pilot.press("enter")
        await until(pilot, lambda: "step 90/90" in panel_text(second))
        assert "→ ft:base:ftjob-1" in headline(second)


async def test_hostile_names_and_messages_are_shown_scrubbed(
    far_app: FtuiApp, server: MisbehavingServer
) -> None:
    evil = "x\x1b]0;PWNED\x07[/red]y"
    add_job_with_steps(server, suffix=evil, model=evil)
    server.add_message(evil, time.time())
    async with far_app.run_test(size=(80, 24)) as pilot:
        await open_jobs(far_app, pilot)
        await pilot.press("enter")
        await until(pilot, lambda: "step 56/90" in panel_text(far_app))
        await until(pilot, lambda: "[/red]y" in headline(far_app))
        assert "\x1b" not in headline(far_app)
        events = far_app.screen.query_one("#job-events", LineTable)
        await until(pilot, lambda: "[/red]y" in events.render_line(1).text)
        assert "\x1b" not in events.render_line(1).text


async def test_a_machine_without_the_extra_gets_the_install_line(
    far_settings: Settings, training: Path
) -> None:
    services = Services(far_settings.model_copy(update={"provider": "local"}))
    services.engine = EngineProcess(services.settings, extra=["torch_that_is_not_installed"])
    app = FtuiApp(services)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "No jobs yet" in headline(app))
        text = str(app.screen.query_one("#jobs-empty", Static).render())
        assert 'pip install "fine-tui[local]"' in text
        assert "[local]" in text


async def test_listing_does_not_start_the_engine(far_app: FtuiApp, far_settings: Settings) -> None:
    async with far_app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "No jobs yet" in headline(far_app))
        await asyncio.sleep(0.2)
        assert not far_settings.socket.exists()
        assert not far_settings.home.exists()
