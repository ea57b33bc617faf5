"""Shared by tests of the Jobs screen: jobs on a server, and the texts on the screen."""

from __future__ import annotations

import asyncio
import time

from servers.misbehaving import MisbehavingServer
from support.waiting import until
from textual.pilot import Pilot
from textual.widgets import Button, Static

from tui.app import FtuiApp
from tui.dialogs.confirm import Confirm
from tui.dialogs.jobs.new_job import NewJob
from tui.screens.jobs.actions import JobActions
from tui.screens.jobs.list_screen import JobsScreen
from tui.services.clock import Clock
from tui.services.container import Services
from tui.services.jobs.jobs import Jobs
from tui.settings import Settings
from tui.widgets.jobs.job_panel import JobPanel
from tui.widgets.line_table import LineTable
from tui.widgets.live_line import LiveLine

SIZES = [(80, 24), (120, 40)]
SPEED = 10.0


def fast_app(settings: Settings) -> FtuiApp:
    """The app with a fast clock, so that a remote server is polled often.

    Time passes by sleeping alone: a slow machine makes no job look stalled.
    """
    at = time.time()

    async def sleep(seconds: float) -> None:
        nonlocal at
        end = at + seconds
        await asyncio.sleep(seconds / SPEED)
        at = max(at, end)

    services = Services(settings)
    clock = Clock(now=lambda: at, sleep=sleep)
    services.jobs = Jobs(settings, services.workspace, services.providers, clock)
    return FtuiApp(services)


def add_job_with_steps(
    server: MisbehavingServer, steps: int = 56, job: str = "ftjob-1", **fields: object
) -> None:
    """Add a running job that has done some of 90 steps."""
    now = time.time()
    server.add_job(job, **{"created_at": now - 100, "suffix": "tickets", **fields})
    for step in range(1, steps + 1):
        extra = {"valid_loss": 3.2 / step} if step % 10 == 0 else {}
        event = server.add_step(step, job, total_steps=90, **extra)
        event["created_at"] = now - steps + step


def screen(app: FtuiApp) -> JobsScreen:
    return next(screen for screen in app.screen_stack if isinstance(screen, JobsScreen))


def headline(app: FtuiApp) -> str:
    screens = [screen for screen in app.screen_stack if isinstance(screen, JobActions)]
    return str(screens[-1].query_one("#headline", Static).render())


async def open_jobs(app: FtuiApp, pilot: Pilot[None]) -> None:
    """Open the Jobs screen and wait until the job with 56 of 90 steps is listed."""
    await pilot.press("3")
    await until(pilot, lambda: bool(rows(app)) and "62%" in rows(app)[0])


def form_is_open(app: FtuiApp) -> bool:
    """Whether the form for a new job is open."""
    return isinstance(app.screen, NewJob) and bool(app.screen.query("#start"))


def lines_of(table: LineTable) -> list[str]:
    """The visible rows of a table."""
    lines = [table.render_line(y).text for y in range(table.size.height)]
    return [line for line in lines[1:] if line.strip(" ┃")]


def rows(app: FtuiApp) -> list[str]:
    """The visible lines of the list."""
    return lines_of(screen(app).query_one("#jobs-list", LineTable))


def panel_text(app: FtuiApp) -> str:
    """The single lines of the open job."""
    return "\n".join(line.text for line in app.screen.query(JobPanel).first().query(LiveLine))


def chart_text(app: FtuiApp) -> str:
    """The chart of the open job."""
    chart = app.screen.query_one(JobPanel).chart.chart
    return "\n".join(chart.render_line(y).text for y in range(chart.size.height))


def question_is_open(app: FtuiApp) -> bool:
    """Whether a question is open."""
    return isinstance(app.screen, Confirm) and bool(app.screen.query(Button))


def question(app: FtuiApp) -> str:
    return "\n".join(str(line.render()) for line in app.screen.query(Static))


def notices_text(app: FtuiApp) -> str:
    """The notifications of the app."""
    return "\n".join(str(note.message) for note in app._notifications)
