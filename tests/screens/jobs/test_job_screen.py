"""The screen of one job against a real server, at 80x24 and 120x40."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from servers.misbehaving import Fault, MisbehavingServer
from support.jobs_screen import (
    add_job_with_steps,
    chart_text,
    fast_app,
    headline,
    lines_of,
    notices_text,
    panel_text,
    rows,
    screen,
)
from support.providers import provider_profile
from support.waiting import until
from textual import on
from textual.pilot import Pilot

import tui
from tui.app import FtuiApp
from tui.dialogs.copy_text import CopyText
from tui.dialogs.jobs.choose_run import ChooseRun
from tui.dialogs.read_text import ReadText
from tui.screens.jobs.job_screen import JobScreen
from tui.screens.messages import ChatRequested, EvaluateRequested, StepRequested
from tui.services.container import Services
from tui.settings import Settings
from tui.widgets.line_pane import LinePane


class RecordingApp(FtuiApp):
    """Records the requests of its screens instead of following them."""

    CSS_PATH = Path(tui.__file__).with_name("app.tcss")

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self.step_requests: list[StepRequested] = []

    @on(StepRequested)
    def record(self, request: StepRequested) -> None:
        request.prevent_default()
        self.step_requests.append(request)


@pytest.fixture
def app(far_settings: Settings) -> RecordingApp:
    return RecordingApp(fast_app(far_settings).services)


@asynccontextmanager
async def opened(app: FtuiApp, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Pilot[None]]:
    """The app with its latest job open."""
    async with app.run_test(size=size) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: bool(rows(app)))
        await pilot.press("enter")
        await until(pilot, lambda: "step 56/90" in panel_text(app))
        yield pilot


def job_screen(app: FtuiApp) -> JobScreen:
    screen = app.screen
    assert isinstance(screen, JobScreen)
    return screen


def title(app: FtuiApp, pane: str) -> str:
    return {
        "chart": job_screen(app).panel.chart,
        "checkpoints": job_screen(app).panel.checkpoints,
        "events": job_screen(app).panel.event_list,
    }[pane].title.text


def events(app: FtuiApp) -> list[str]:
    return lines_of(job_screen(app).panel.event_list.table)


def checkpoints(app: FtuiApp) -> list[str]:
    return lines_of(job_screen(app).panel.checkpoints.table)


def add_checkpoint(
    server: MisbehavingServer, step: int, job: str = "ftjob-1", **losses: float
) -> None:
    server.checkpoints.setdefault(job, []).append(
        {
            "id": f"ftckpt-{step}",
            "created_at": time.time() - 90,
            "step_number": step,
            "fine_tuned_model_checkpoint": f"ft:base:tickets:ckpt-step-{step}",
            "metrics": {"train_loss": 0.5, **losses},
        }
    )


def with_checkpoints(server: MisbehavingServer) -> None:
    add_job_with_steps(server)
    add_checkpoint(server, 20, valid_loss=0.975)
    add_checkpoint(server, 40, valid_loss=0.41)
    add_checkpoint(server, 50, valid_loss=0.62)


@pytest.mark.parametrize("size", [(80, 24), (60, 16)])
async def test_a_job_opens_with_its_figures_its_chart_and_the_focused_pane(
    app: FtuiApp, server: MisbehavingServer, size: tuple[int, int]
) -> None:
    add_job_with_steps(server)
    server.events["ftjob-1"][-1]["data"] |= {"num_tokens": 14302, "tokens_per_second": 92}
    async with opened(app, size):
        panel = panel_text(app)
        for text in ("62%", "ETA", "valid 0.064", "92 tok/s", "14,302 tokens", "updated"):
            assert text in panel
        assert "●" in chart_text(app)
        assert "★" in chart_text(app)
        assert title(app, "chart").startswith("▸ Loss by step")
        below = job_screen(app).panel.query_one("#job-lower").region
        assert below.bottom == size[1] - 1
        assert job_screen(app).panel.chart.chart.size.height >= 5


async def test_a_past_run_opens_with_its_curves_without_a_server(
    far_settings: Settings, server: MisbehavingServer
) -> None:
    add_job_with_steps(server)
    server.finish()
    services = fast_app(far_settings).services
    async for _ in services.jobs.watch("far", "ftjob-1"):
        pass
    await services.providers.close()
    unreachable_profile = provider_profile("http://127.0.0.1:9/v1")
    unreachable = far_settings.model_copy(update={"providers": {"far": unreachable_profile}})
    app = fast_app(unreachable)
    async with opened(app):
        assert "★" in chart_text(app)


async def test_a_server_in_trouble_is_shown_with_the_next_retry(
    app: FtuiApp, server: MisbehavingServer
) -> None:
    add_job_with_steps(server)
    async with opened(app) as pilot:
        server.faults = [Fault("status", 503, headers={"Retry-After": "90"}) for _ in range(5)]
        await until(pilot, lambda: "retrying in 90 s" in panel_text(app))
        assert "offline since" in panel_text(app)
        assert "HTTP 503" in headline(app)


async def test_keys_change_the_view_and_the_metric_of_the_chart(
    app: FtuiApp, server: MisbehavingServer
) -> None:
    add_job_with_steps(server)
    for event in server.events["ftjob-1"]:
        event["data"]["learning_rate"] = 2e-4
    async with opened(app) as pilot:
        assert "smoothed (EMA 0.6)" in title(app, "chart")
        await pilot.press("s", "x", "L", "b")
        assert title(app, "chart") == "▸ Loss by time · smoothed (EMA 0.95) · log scale"
        assert chart_text(app).isascii()
        await pilot.press("x", "L", "plus")
        assert "(0 shows all)" in title(app, "chart")
        await pilot.press("left", "left")
        assert title(app, "chart").startswith("▸ step 55  0:54  training 0.055")
        assert "validation 0.064 at 50" in title(app, "chart")
        await pilot.press("escape", "0")
        assert title(app, "chart").startswith("▸ Loss by step")
        assert "shows all" not in title(app, "chart")
        await pilot.press("m")
        assert title(app, "chart").startswith("▸ Accuracy")
        assert "This server does not report accuracies." in chart_text(app)
        await pilot.press("m")
        assert title(app, "chart").startswith("▸ Learning rate")
        assert "2.0e-4" in chart_text(app)
        await pilot.press("m")
        assert "This server does not report gradient norms." in chart_text(app)


async def test_o_overlays_another_run(app: FtuiApp, server: MisbehavingServer) -> None:
    add_job_with_steps(server, 90, "ftjob-0", suffix="first-try", created_at=time.time() - 900)
    server.finish("ftjob-0")
    add_job_with_steps(server)
    async with opened(app) as pilot:
        await pilot.press("o")
        await until(pilot, lambda: isinstance(app.screen, ChooseRun))
        await pilot.pause()
        await pilot.press("enter")
        await until(pilot, lambda: "B first-try" in chart_text(app))
        await until(pilot, lambda: "no data" not in chart_text(app))
        await pilot.press("left")
        assert title(app, "chart").endswith("B 0.055")


async def test_events_are_filtered_by_words_and_level_and_open_in_full(
    app: FtuiApp, server: MisbehavingServer
) -> None:
    add_job_with_steps(server)
    long = "The learning rate is high for these rows; " * 8
    server.add_message(long, time.time() - 3, level="warning", data={"clipped": [4, 10]})
    server.add_message("Checkpoint created at step 50", time.time() - 2)
    async with opened(app, (120, 40)) as pilot:
        await until(pilot, lambda: len(events(app)) == 2)
        assert "Checkpoint created" in events(app)[0]
        await pilot.press("slash", *"is:warn")
        await until(pilot, lambda: len(events(app)) == 1)
        assert "1 of 2" in title(app, "events")
        assert "! warn" in events(app)[0]
        await pilot.press("enter", "enter")
        await until(pilot, lambda: isinstance(app.screen, ReadText))
        lines = [line.plain for line in app.screen.query_one(LinePane).lines]
        assert " ".join(" ".join(lines).split()).startswith(long.strip())
        assert '  "clipped": [' in lines
        await pilot.press("escape")
        await pilot.press("slash", *"is:x")
        await until(pilot, lambda: "There is no level x" in title(app, "events"))
        await pilot.press("escape")
        assert len(events(app)) == 2
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen(app))


async def test_checkpoints_are_listed_copied_evaluated_and_chatted_with(
    app: RecordingApp, server: MisbehavingServer
) -> None:
    with_checkpoints(server)
    async with opened(app) as pilot:
        assert "s" in app.screen.active_bindings
        await pilot.press("c")
        assert "has a model to chat with." in notices_text(app)
        await pilot.press("tab")
        assert title(app, "checkpoints") == "▸ Checkpoints  3"
        assert not title(app, "chart").startswith("▸")
        assert "s" not in app.screen.active_bindings
        first, second, third = checkpoints(app)
        assert "50  0.500  0.620" in first
        assert "0.410 ★ best" in second
        assert ":ckpt-step-20" in third
        assert "best" not in first + third
        await pilot.press("down", "c", "e", "y")
        await until(pilot, lambda: isinstance(app.screen, CopyText))
        await pilot.pause()
        await pilot.press("enter")
        await until(pilot, lambda: app.clipboard == "ft:base:tickets:ckpt-step-40")
        tuned = "ft:base:tickets:ckpt-step-40"
        assert app.step_requests == [
            ChatRequested("far", "base", tuned),
            EvaluateRequested("far", "base", tuned),
        ]


async def test_an_overfitting_job_gets_a_health_note_with_its_rule(
    app: FtuiApp, server: MisbehavingServer
) -> None:
    add_job_with_steps(server)
    for step, value in ((10, 0.5), (20, 0.4), (30, 0.6), (40, 0.7), (50, 0.8)):
        server.events["ftjob-1"][step - 1]["data"]["valid_loss"] = value
    async with opened(app, (120, 40)) as pilot:
        assert "! Validation loss has risen since step 20" in panel_text(app)
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, ReadText))
        text = " ".join(line.plain for line in app.screen.query_one(LinePane).lines)
        assert "Rule: The last 3 validation losses are more than 2% above the lowest." in text
        job = next(stacked for stacked in app.screen_stack if isinstance(stacked, JobScreen))
        assert job.is_current, "a screen below a dialog is visible"
        assert not screen(app).is_current, "the list below a job is not, and sends nothing"
