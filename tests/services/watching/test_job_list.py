"""The jobs of all providers in one list, merged with the recorded ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from servers.misbehaving import Fault, MisbehavingServer, misbehaving_server
from support.providers import provider_profile
from support.watched_jobs import a_run, follow_to_first_records, request, watch_to_end

from tui.services.container import Services
from tui.services.errors import InputError, NotFound
from tui.services.jobs.jobs import Jobs
from tui.services.workspace.job_log import JobLog


async def test_the_list_keeps_recorded_jobs_that_the_server_no_longer_lists(
    server: MisbehavingServer, jobs: Jobs
) -> None:
    a_run(server)
    await watch_to_end(jobs)
    server.jobs.clear()
    server.add_job("ftjob-2", created_at=1_700_000_900, status="queued")
    listed = await jobs.list_jobs()
    assert [(view.id, view.status) for view in listed.views] == [
        ("ftjob-2", "queued"),
        ("ftjob-1", "succeeded"),
    ]
    assert not listed.errors


async def test_listing_fetches_the_end_of_a_job_that_was_not_watched(
    server: MisbehavingServer, jobs: Jobs, training: Path
) -> None:
    await jobs.submit(request(training))
    for step in (1, 2, 3):
        server.add_step(step, valid_loss=0.5)
    server.finish()
    (view,) = (await jobs.list_jobs()).views
    assert (view.status, view.step, view.valid_loss) == ("succeeded", 3, 0.5)
    assert (await jobs.recorded_view("far", "ftjob-1")).status == "succeeded"


async def test_the_recorded_jobs_of_an_unreachable_server_are_listed(
    server: MisbehavingServer, jobs: Jobs
) -> None:
    a_run(server)
    await watch_to_end(jobs)
    server.faults = [Fault("html")]
    listed = await jobs.list_jobs()
    assert [view.id for view in listed.views] == ["ftjob-1"]
    assert "does not speak the fine-tuning protocol" in str(listed.errors["far"])


async def test_a_job_is_resolved_by_a_prefix_of_its_id_or_by_last(
    server: MisbehavingServer, jobs: Jobs
) -> None:
    server.add_job("ftjob-aa", created_at=1)
    server.add_job("ftjob-ab", created_at=2)
    assert (await jobs.resolve("ftjob-aa")).id == "ftjob-aa"
    assert (await jobs.resolve("last")).id == "ftjob-ab"
    with pytest.raises(InputError, match="Several"):
        await jobs.resolve("ftjob-a")
    with pytest.raises(NotFound, match="no job zz"):
        await jobs.resolve("zz")


async def test_jobs_of_two_providers_are_in_one_list_and_resolved_to_their_provider(
    server: MisbehavingServer, services: Services
) -> None:
    async with misbehaving_server() as near_server:
        near = provider_profile(near_server.url)
        providers = {**services.settings.providers, "near": near}
        settings = services.settings.model_copy(update={"providers": providers})
        combined = Services(settings)
        server.add_job("ftjob-far", created_at=5)
        near_server.add_job("ftjob-near", created_at=7)
        listed = await combined.jobs.list_jobs()
        assert [(view.provider, view.id) for view in listed.views] == [
            ("near", "ftjob-near"),
            ("far", "ftjob-far"),
        ]
        assert (await combined.jobs.resolve("ftjob-n")).provider == "near"
        near_server.faults = [Fault("status", 503)]
        listed = await combined.jobs.list_jobs()
        assert [view.id for view in listed.views] == ["ftjob-far"]
        assert set(listed.errors) == {"near"}
        await combined.providers.close()


async def test_records_added_by_another_process_are_in_the_next_list(
    server: MisbehavingServer, jobs: Jobs, services: Services
) -> None:
    server.add_job()
    server.add_step(1)
    await follow_to_first_records(jobs)
    assert [view.step for view in await jobs.recorded()] == [1]
    step = {"type": "metrics", "id": "ev-2", "at": 1_700_000_002.0, "step": 2}
    await JobLog(services.workspace, "far", "ftjob-1").append([step, step])
    assert [view.step for view in await jobs.recorded()] == [2]
