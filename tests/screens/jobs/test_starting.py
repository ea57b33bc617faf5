"""Starting jobs from the Jobs screen: uploads and unfinished submissions."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from servers.misbehaving import Fault, MisbehavingServer
from support.jobs_screen import form_is_open, headline, notices_text, screen
from support.providers import settings_for
from support.waiting import until
from textual.widgets import Input

from tui.app import FtuiApp
from tui.domain.submission.job_request import JobRequest
from tui.services.container import Services

JOBS = "fine_tuning/jobs"


@pytest.fixture
def services(server: MisbehavingServer, tmp_path: Path) -> Services:
    return Services(settings_for(tmp_path, server.url, model="base"))


@pytest.fixture
def request_(training: Path) -> JobRequest:
    return JobRequest(training_file=training, model="base", provider="far", suffix="tickets")


async def test_the_headline_shows_the_progress_of_a_new_job(
    services: Services, server: MisbehavingServer, request_: JobRequest
) -> None:
    server.faults = [Fault("hang", path="/files", method="POST")]
    app = FtuiApp(services)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        screen(app).offer_job(None, request_)
        await until(pilot, lambda: form_is_open(app))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "at far …" in headline(app) or "train.jsonl" in headline(app))
        await pilot.press("n")
        await until(pilot, lambda: form_is_open(app)), "the screen answers meanwhile"


async def close_while_creating(
    services: Services, server: MisbehavingServer, request: JobRequest, fault: Fault
) -> None:
    """Leave the state of an ftui that was closed while a server created its job."""
    server.faults = [fault]
    task = asyncio.create_task(services.jobs.submit(request))
    await server.hanging.wait()
    task.cancel()
    await asyncio.wait([task])
    await services.providers.close()


async def test_a_job_created_while_ftui_was_closed_is_in_the_list(
    services: Services, server: MisbehavingServer, request_: JobRequest
) -> None:
    fault = Fault("after-hang", path=JOBS, method="POST")
    await close_while_creating(services, server, request_, fault)
    app = FtuiApp(Services(services.settings))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await until(
            pilot, lambda: "tickets was created before ftui was closed" in notices_text(app)
        )
        await until(pilot, lambda: "1 job" in headline(app))
        assert list(server.jobs) == ["ftjob-1"]
        assert not form_is_open(app)


async def test_a_job_that_was_not_created_is_offered_again(
    services: Services, server: MisbehavingServer, request_: JobRequest
) -> None:
    fault = Fault("hang", path="/files", method="POST")
    await close_while_creating(services, server, request_, fault)
    app = FtuiApp(Services(services.settings))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: form_is_open(app))
        assert "quit before the job was created" in notices_text(app)
        assert app.screen.query_one("#suffix", Input).value == "tickets"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "ftjob-1" in server.jobs)


async def test_a_refused_job_is_offered_again_with_its_split(
    services: Services, server: MisbehavingServer, request_: JobRequest
) -> None:
    body = {"error": {"message": "No such model."}}
    server.faults = [Fault("status", 400, path=JOBS, method="POST", body=body)]
    app = FtuiApp(services)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        request = request_.model_copy(update={"validation_share": 0.1})
        screen(app).offer_job(None, request)
        await until(pilot, lambda: form_is_open(app))
        first = app.screen
        await pilot.press("ctrl+s")
        await until(pilot, lambda: form_is_open(app) and app.screen is not first)
        validation = app.screen.query_one("#validation_file", Input).value
        assert validation.endswith("train.validation.jsonl")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "ftjob-1" in server.jobs)
        assert len(list(services.workspace.splits.iterdir())) == 1
        assert len(server.files.contents) == 2, "what the server has is not sent again"
