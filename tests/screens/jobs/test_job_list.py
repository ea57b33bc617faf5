"""The list of all jobs: filter, many jobs, servers that do not answer, repainting."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from servers.misbehaving import Fault, MisbehavingServer, misbehaving_server
from support.jobs_screen import SIZES, add_job_with_steps, headline, open_jobs, rows, screen
from support.providers import provider_profile
from support.waiting import until
from textual.geometry import Region
from textual.widgets import Input

from tui.app import FtuiApp
from tui.screens.jobs.board import JobBoard, Key
from tui.services.clock import Clock
from tui.services.container import Services
from tui.services.jobs.jobs import Jobs
from tui.services.watching.poll_priority import PollPriority
from tui.settings import Settings
from tui.widgets.line_table import LineTable

AppOf = Callable[[Settings], FtuiApp]
MANY = 300


def many_jobs(server: MisbehavingServer) -> None:
    """Add many ended jobs; the latest has the highest number."""
    now = time.time()
    for number in range(MANY):
        status, suffix = "failed" if number % 10 == 0 else "succeeded", f"run{number:03}"
        created_at = now - 3600 + number
        server.add_job(f"ftjob-{number:03}", created_at=created_at, suffix=suffix, status=status)


@pytest.mark.parametrize("size", SIZES)
async def test_a_row_shows_the_state_of_a_job_and_the_trend_of_its_loss(
    far_app: FtuiApp, server: MisbehavingServer, size: tuple[int, int]
) -> None:
    add_job_with_steps(server)
    async with far_app.run_test(size=size) as pilot:
        await open_jobs(far_app, pilot)
        (row,) = rows(far_app)
        for text in ("▶ running", "tickets", "base", "62%", "0.054", "0.064"):
            assert text in row
        wide = size[0] >= 100
        assert ("█" in row) is wide
        assert ("far" in row) is wide


async def test_many_jobs_scroll_and_a_redraw_draws_only_visible_rows(
    far_app: FtuiApp, server: MisbehavingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    many_jobs(server)
    async with far_app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: f"{MANY} jobs, none active" in headline(far_app))
        assert "run299" in rows(far_app)[0]
        await pilot.press("G")
        assert "run000" in rows(far_app)[-1]
        await pilot.press("g", "down", "down")
        selected = screen(far_app).selected_job()
        assert selected is not None
        assert selected.suffix == "run297"
        drawn_keys: list[Key] = []
        cells = JobBoard.cells

        def count_cells(board: JobBoard, key: Key, *args: Any, **options: Any) -> Any:
            drawn_keys.append(key)
            return cells(board, key, *args, **options)

        monkeypatch.setattr(JobBoard, "cells", count_cells)
        screen(far_app).redraw()
        assert len(drawn_keys) <= 24, "a redraw costs the rows in sight"


async def test_jobs_are_filtered_by_text_state_and_provider(
    far_app: FtuiApp, server: MisbehavingServer
) -> None:
    many_jobs(server)
    add_job_with_steps(server, job="ftjob-live", created_at=time.time())
    async with far_app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: f"{MANY + 1} jobs, 1 active" in headline(far_app))
        await pilot.press("slash", *"is:fail")
        await until(pilot, lambda: f"30 of {MANY + 1} jobs" in headline(far_app))
        assert all("✗ failed" in row for row in rows(far_app))
        far_app.screen.query_one(Input).value = "is:failed run29"
        await until(pilot, lambda: f"1 of {MANY + 1} jobs" in headline(far_app))
        assert "run290" in rows(far_app)[0]
        await pilot.press("enter", "down")
        assert isinstance(far_app.screen.focused, LineTable)
        far_app.screen.query_one(Input).value = "provider:nobody"
        await until(pilot, lambda: f"0 of {MANY + 1} jobs" in headline(far_app))
        assert screen(far_app).disabled_reason("cancel")
        await pilot.press("escape")
        await until(pilot, lambda: "of" not in headline(far_app).split(",")[0])
        assert "▶ running" in rows(far_app)[0]


async def test_a_job_started_elsewhere_is_inserted_above_and_the_cursor_keeps_its_job(
    far_app: FtuiApp, server: MisbehavingServer
) -> None:
    add_job_with_steps(server)
    async with far_app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: len(rows(far_app)) == 1)
        add_job_with_steps(server, job="ftjob-2", suffix="elsewhere", created_at=time.time())
        await pilot.press("r")
        await until(pilot, lambda: len(rows(far_app)) == 2)
        assert "elsewhere" in rows(far_app)[0]
        assert "▸" in rows(far_app)[1]


async def test_an_unreachable_server_is_reported_and_the_jobs_of_others_are_listed(
    far_settings: Settings, app_of: AppOf, server: MisbehavingServer
) -> None:
    add_job_with_steps(server)
    async with misbehaving_server() as away:
        away.faults = [Fault("hang", path="jobs"), Fault("status", 503, path="jobs")]
        profile = provider_profile(away.url)
        profiles = far_settings.providers | {"away": profile}
        app = app_of(far_settings.model_copy(update={"providers": profiles}))
        async with app.run_test(size=(80, 24)) as pilot:
            await open_jobs(app, pilot)
            away.hang_up()
            await until(pilot, lambda: "away offline since" in headline(app))
            assert "1 job, 1 active" in headline(app)
            assert "retrying in" in headline(app)
            away.faults = []
            await pilot.press("r")
            await until(pilot, lambda: "away" not in headline(app))


async def test_only_lines_that_changed_are_repainted(
    far_settings: Settings, server: MisbehavingServer
) -> None:
    for number in range(5):
        add_job_with_steps(server, 10 + number, job=f"ftjob-{number}")
    services, now = Services(far_settings), time.time()
    clock = Clock(now=lambda: now)
    services.jobs = Jobs(far_settings, services.workspace, services.providers, clock)
    app = FtuiApp(services)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: bool(rows(app)))
        connections = screen(app).board.connections
        await until(
            pilot,
            lambda: sum(bool(connection.updated_at) for connection in connections.values()) == 5,
        )
        await pilot.pause()
        table = screen(app).query_one("#jobs-list", LineTable)
        painted: list[int] = []
        refresh = table.refresh

        def record(*regions: Region, **more: bool) -> LineTable:
            painted.extend(region.y for region in regions)
            return refresh(*regions, **more)

        table.refresh = record  # type: ignore[method-assign]
        screen(app).redraw()
        assert painted == []
        server.add_step(15, "ftjob-2", total_steps=90)["created_at"] = now
        await pilot.press("r")
        await until(pilot, lambda: bool(painted))
        assert len(set(painted)) == 1
        assert any("16%" in row for row in rows(app))


async def test_polling_priorities_follow_what_is_on_the_screen(
    far_app: FtuiApp, server: MisbehavingServer
) -> None:
    add_job_with_steps(server)
    add_job_with_steps(server, job="ftjob-2", created_at=1.0)
    async with far_app.run_test(size=(80, 24)) as pilot:
        first, second = ("far", "ftjob-1"), ("far", "ftjob-2")
        await pilot.press("3")
        jobs = screen(far_app)
        await until(
            pilot,
            lambda: jobs.priorities() == {first: PollPriority.LISTED, second: PollPriority.LISTED},
        )
        await pilot.press("enter")
        await until(
            pilot,
            lambda: jobs.priorities() == {first: PollPriority.WATCHED, second: PollPriority.LISTED},
        )
        await pilot.press("1")
        await until(pilot, lambda: set(jobs.priorities().values()) == {PollPriority.HIDDEN})
        await pilot.press("3")
        await until(
            pilot,
            lambda: jobs.priorities() == {first: PollPriority.WATCHED, second: PollPriority.LISTED},
        )
        await pilot.press("escape")
        await until(pilot, lambda: set(jobs.priorities().values()) == {PollPriority.LISTED})
        far_app.app_suspend_signal.publish(far_app)
        await until(pilot, lambda: set(jobs.priorities().values()) == {PollPriority.HIDDEN})
        server.add_step(57, total_steps=90)
        far_app.app_resume_signal.publish(far_app)
        await until(pilot, lambda: "63%" in rows(far_app)[0])
