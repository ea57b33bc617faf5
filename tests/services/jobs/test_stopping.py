"""Stopping a job and keeping a checkpoint, on servers that can pause and on those that cannot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from servers.misbehaving import Fault, MisbehavingServer, misbehaving_server
from support.providers import settings_for

from tui.domain.jobs.stopping import latest_checkpoint
from tui.domain.jobs.view import JobView
from tui.services.clock import Clock
from tui.services.container import Services
from tui.services.errors import CannotSteer, NotFound, ProviderError
from tui.services.jobs.stopping import stop_and_keep


@pytest.fixture
async def server() -> AsyncIterator[MisbehavingServer]:
    async with misbehaving_server() as server:
        server.can_pause = True
        yield server


@pytest.fixture
async def services(server: MisbehavingServer, tmp_path: Path) -> AsyncIterator[Services]:
    settings = settings_for(tmp_path, server.url)
    services = Services(settings)
    yield services
    await services.providers.close()


async def stopped(services: Services) -> list[JobView]:
    async def at_once(_: float) -> None:
        return None

    clock = Clock(sleep=at_once)
    return [view async for view in stop_and_keep(services.jobs, "far", "ftjob-1", clock)]


def a_job(server: MisbehavingServer, steps: int = 7, **fields: object) -> None:
    server.add_job(**fields)
    for step in range(1, steps + 1):
        server.add_step(step)


async def test_a_job_is_paused_then_cancelled_and_keeps_its_last_checkpoint(
    server: MisbehavingServer, services: Services
) -> None:
    a_job(server)
    server.save(5)
    server.polls_until_paused = 3
    views = await stopped(services)
    assert [view.status for view in views] == ["pausing", "cancelled"]
    checkpoint = latest_checkpoint(views[-1])
    assert checkpoint is not None
    assert (checkpoint.step, checkpoint.name) == (7, "ft:base:ftjob-1:ckpt-step-7")
    posts = [path.rpartition("/")[2] for method, path in server.requests if method == "POST"]
    assert posts == ["pause", "cancel"]


async def test_polling_continues_if_the_server_fails_while_the_job_pauses(
    server: MisbehavingServer, services: Services
) -> None:
    a_job(server)
    server.polls_until_paused = 2
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        server.faults = [Fault("status", 503, path="ftjob-1")] if len(pauses) < 3 else []

    updates = stop_and_keep(services.jobs, "far", "ftjob-1", Clock(sleep=sleep))
    views = [view async for view in updates]
    assert views[-1].status == "cancelled"
    assert latest_checkpoint(views[-1]) is not None


async def test_a_server_that_cannot_pause_is_reported_with_what_cancelling_would_keep(
    server: MisbehavingServer, services: Services
) -> None:
    server.can_pause = False
    a_job(server)
    server.save(5, full_valid_loss=0.25)
    with pytest.raises(CannotSteer) as caught:
        await stopped(services)
    assert str(caught.value) == (
        "The provider far cannot pause a job: it has no POST /fine_tuning/jobs/{id}/pause. "
        "If it is cancelled: The checkpoint of step 5 "
        "(validation loss 0.250) is kept, as ft:base:ftjob-1:ckpt-step-5."
    )
    assert server.jobs["ftjob-1"]["status"] == "running"


@pytest.mark.parametrize("status", ["queued", "paused", "validating_files"])
async def test_a_job_that_is_not_training_is_cancelled_at_once(
    server: MisbehavingServer, services: Services, status: str
) -> None:
    a_job(server, steps=3, status=status)
    server.save(3)
    views = await stopped(services)
    assert [view.status for view in views] == ["cancelled"]
    checkpoint = latest_checkpoint(views[0])
    assert checkpoint is not None
    assert checkpoint.step == 3


async def test_a_job_that_finishes_while_pausing_is_not_cancelled(
    server: MisbehavingServer, services: Services
) -> None:
    a_job(server)
    server.polls_until_paused = 100

    async def end(_: float) -> None:
        server.finish()

    updates = stop_and_keep(services.jobs, "far", "ftjob-1", Clock(sleep=end))
    views = [view async for view in updates]
    assert views[-1].status == "succeeded"
    assert not server.count("POST", "cancel")


async def test_a_refused_cancel_leaves_the_job_paused_and_says_why(
    server: MisbehavingServer, services: Services
) -> None:
    a_job(server)
    server.faults = [Fault("status", 400, path="cancel", body={"error": {"message": "Not now."}})]
    with pytest.raises(ProviderError, match="Not now"):
        await stopped(services)
    assert server.jobs["ftjob-1"]["status"] == "paused"


async def test_an_unknown_job_is_not_taken_for_a_missing_endpoint(
    server: MisbehavingServer, services: Services
) -> None:
    with pytest.raises(NotFound):
        await services.jobs.steer("far", "ftjob-9", "pause")
