"""What was seen of a job is kept, whoever saw it and however they ended."""

from __future__ import annotations

import asyncio

from servers.misbehaving import MisbehavingServer
from watched_jobs import Time, a_run, seen, steps

from tui.services.container import Services
from tui.services.jobs import Jobs


async def test_what_was_seen_is_shown_offline_for_ever(
    server: MisbehavingServer, jobs: Jobs
) -> None:
    a_run(server)
    first = await seen(jobs)
    asked = len(server.requests)
    assert await seen(jobs) == first
    assert len(server.requests) == asked
    view = await jobs.history("far", "ftjob-1")
    assert (view.status, view.step, len(view.train)) == ("succeeded", 5, 5)


async def test_a_torn_log_loses_only_the_torn_line_and_gets_it_back(
    server: MisbehavingServer, jobs: Jobs, services: Services, time: Time
) -> None:
    server.add_job()
    for step in (1, 2, 3):
        server.add_step(step)
    async for look in jobs.follow("far", "ftjob-1"):
        if look.records:
            break
    log = services.workspace.jobs / "far" / "ftjob-1" / "events.jsonl"
    log.write_bytes(log.read_bytes()[:-20])
    server.add_step(4)
    server.finish()
    assert steps(await seen(jobs)) == [1, 2, 3, 4]


async def test_two_watchers_at_once_leave_one_history(
    server: MisbehavingServer, jobs: Jobs
) -> None:
    a_run(server, 30)
    await asyncio.gather(seen(jobs), seen(jobs))
    assert steps(await seen(jobs)) == list(range(1, 31))


async def test_a_job_with_an_id_that_climbs_stays_in_its_folder(
    server: MisbehavingServer, jobs: Jobs, services: Services
) -> None:
    server.add_job("../../../evil", status="failed")
    listed = await jobs.list_jobs()
    assert [view.id for view in listed.views] == ["../../../evil"]
    log = jobs._log("far", "../../../evil")
    await log.append([{"type": "status", "at": 1.0, "status": "failed"}])
    written = list(services.workspace.root.rglob("events.jsonl"))
    assert len(written) == 1
    assert [view.id for view in await jobs.recorded()] == ["../../../evil"]
