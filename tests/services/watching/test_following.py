"""How often jobs are polled: by priority, together, and after the machine was asleep."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import replace

from servers.misbehaving import Fault, MisbehavingServer
from support.waiting import PATIENCE
from support.watched_jobs import Time, steps

from tui.domain.jobs.health import stalled
from tui.services.clock import Clock, rest
from tui.services.container import Services
from tui.services.jobs.jobs import Jobs
from tui.services.watching.poll_priority import PollControl, PollPriority
from tui.services.watching.poll_schedule import REMOTE_INTERVALS
from tui.services.watching.watch import JobUpdate


async def first_response(updates: AsyncGenerator[JobUpdate, None]) -> JobUpdate:
    update = await anext(updates)
    while update.connection.updated_at is None:
        update = await anext(updates)
    return update


async def test_a_hidden_job_is_polled_for_its_status_only_until_that_changes(
    server: MisbehavingServer, jobs: Jobs, time: Time
) -> None:
    server.add_job()
    server.add_step(50)
    updates = jobs.follow("far", "ftjob-1", PollControl(PollPriority.HIDDEN))
    await first_response(updates)
    server.requests.clear()
    server.add_step(51)
    assert not (await anext(updates)).records
    assert server.requests == [("GET", "/v1/fine_tuning/jobs")]
    assert time.pauses[-1] == REMOTE_INTERVALS.hidden
    server.finish()
    update = await anext(updates)
    assert steps(update.records) == [51]
    assert update.view.status == "succeeded"


async def test_a_hidden_job_is_polled_for_its_steps_once_it_may_have_stalled(
    server: MisbehavingServer, jobs: Jobs, time: Time
) -> None:
    server.add_job()
    server.add_step(1)
    updates = jobs.follow("far", "ftjob-1", PollControl(PollPriority.HIDDEN))
    await first_response(updates)
    server.add_step(60)
    update = await anext(updates)
    assert steps(update.records) == [60]
    while not stalled(update.view, update.connection.updated_at or 0.0):
        update = await anext(updates)
    assert 180 <= time.at - 1_700_000_000 <= 180 + REMOTE_INTERVALS.hidden
    await updates.aclose()


async def test_a_listed_job_gets_its_latest_steps(
    server: MisbehavingServer, jobs: Jobs, time: Time
) -> None:
    server.add_job()
    updates = jobs.follow("far", "ftjob-1", PollControl(PollPriority.LISTED))
    await first_response(updates)
    server.add_step(7)
    assert steps((await anext(updates)).records) == [7]
    assert time.pauses[-1] == REMOTE_INTERVALS.listed
    assert server.count("GET", "/ftjob-1") == 0
    await updates.aclose()


async def test_a_job_that_is_not_in_the_servers_list_is_polled_by_itself(
    server: MisbehavingServer, jobs: Jobs
) -> None:
    server.add_job()
    server.missing_paths = {"/fine_tuning/jobs"}
    updates = jobs.follow("far", "ftjob-1", PollControl(PollPriority.LISTED))
    assert (await first_response(updates)).view.status == "running"
    await updates.aclose()


async def test_raising_the_priority_of_a_job_polls_it_at_once(
    server: MisbehavingServer, services: Services
) -> None:
    waiting = asyncio.Event()

    async def sleep(seconds: float) -> None:
        waiting.set()
        await asyncio.sleep(3600)

    jobs = Jobs(services.settings, services.workspace, services.providers, Clock(sleep=sleep))
    server.add_job()
    control = PollControl(PollPriority.HIDDEN)
    updates = jobs.follow("far", "ftjob-1", control)
    await first_response(updates)
    server.add_step(1)
    next_update = asyncio.ensure_future(anext(updates))
    await waiting.wait()
    assert not next_update.done()
    control.priority = PollPriority.WATCHED
    async with asyncio.timeout(PATIENCE):
        assert steps((await next_update).records) == [1]
    await updates.aclose()


async def test_a_hundred_listed_jobs_share_the_list_and_the_rate_limit(
    server: MisbehavingServer, jobs: Jobs, time: Time
) -> None:
    names = [f"ftjob-{n}" for n in range(100)]
    for name in names:
        server.add_job(name, status="queued")
    for name in names:
        await first_response(jobs.follow("far", name, PollControl(PollPriority.LISTED)))
    kinds = Counter(path.rsplit("/", 1)[1] for _, path in server.requests)
    assert kinds["events"] == 100
    assert kinds["jobs"] <= 5, "one list has the status of all of them"
    assert not set(kinds) & set(names)
    assert time.at - 1_700_000_000 >= (100 - 10) / REMOTE_INTERVALS.requests_per_second


async def test_retry_after_holds_for_all_jobs_of_a_server(
    server: MisbehavingServer, jobs: Jobs, time: Time
) -> None:
    server.add_job("ftjob-1")
    server.add_job("ftjob-2")
    server.faults = [Fault("status", 429, headers={"Retry-After": "300"})]
    first = jobs.follow("far", "ftjob-1")
    assert (await anext(first)).connection.error is None
    assert (await anext(first)).connection.error is not None
    await first_response(jobs.follow("far", "ftjob-2"))
    assert time.at >= 1_700_000_300


async def test_all_jobs_are_polled_once_the_connection_is_back_for_one(
    server: MisbehavingServer, services: Services, time: Time
) -> None:
    asleep: list[asyncio.Event] = []

    retried = asyncio.Event()

    async def sleep(seconds: float) -> None:
        asleep.append(asyncio.Event())
        if len(asleep) == 2:
            retried.set()
        await asleep[-1].wait()
        time.at += seconds

    clock = replace(time.clock(), sleep=sleep)
    jobs = Jobs(services.settings, services.workspace, services.providers, clock)
    updates = []
    for name in ("ftjob-1", "ftjob-2"):
        server.add_job(name)
        server.faults = [Fault("reset")]
        updates.append(jobs.follow("far", name))
        await anext(updates[-1])
        assert (await anext(updates[-1])).connection.error
    next_updates = [asyncio.ensure_future(anext(job_updates)) for job_updates in updates]
    async with asyncio.timeout(PATIENCE):
        await retried.wait()
        asleep[0].set()  # the first job's pause is over, the second's is not
        assert [(await next_update).connection.error for next_update in next_updates] == [
            None,
            None,
        ]
    for job_updates in updates:
        await job_updates.aclose()


async def test_a_job_is_polled_once_at_once_after_the_machine_was_asleep(
    server: MisbehavingServer, services: Services, time: Time
) -> None:
    sleeps: list[float] = []

    async def sleep(seconds: float) -> None:
        sleeps.append(seconds)
        time.at += 8 * 3600 if len(sleeps) == 3 else seconds
        await asyncio.sleep(0)

    clock = Clock(now=lambda: time.at, sleep=sleep, random=lambda: 1.0, nap=3.0)
    jobs = Jobs(services.settings, services.workspace, services.providers, clock)
    server.add_job(status="queued")
    updates = jobs.follow("far", "ftjob-1")
    await first_response(updates)
    await anext(updates)
    assert sleeps == [3.0, 3.0, 3.0], "the rest of the pause is not waited for"
    await anext(updates)
    assert len(sleeps) == 3 + REMOTE_INTERVALS.waiting / 3, "and the next pause is a whole one"
    await updates.aclose()


async def test_a_clock_that_is_set_back_does_not_prolong_a_pause() -> None:
    time = Time()

    async def sleep(seconds: float) -> None:
        time.at -= 10_000

    clock = replace(time.clock(), sleep=sleep)
    assert await rest(clock, 30.0) is True
