"""Watching a job at a misbehaving server: no record is lost, doubled or invented."""

from __future__ import annotations

import asyncio

import pytest
from servers.misbehaving import Fault, MisbehavingServer
from support.waiting import PATIENCE
from support.watched_jobs import Time, a_run, steps, watch_to_end

from tui.services.errors import NotFound
from tui.services.jobs.jobs import Jobs
from tui.services.watching.watch import JobUpdate


async def test_the_records_of_a_finished_job_come_oldest_first_and_end_with_its_status(
    server: MisbehavingServer, jobs: Jobs
) -> None:
    a_run(server)
    records = await watch_to_end(jobs)
    assert steps(records) == [1, 2, 3, 4, 5]
    assert records[-1]["status"] == "succeeded"
    assert records[-1]["fine_tuned_model"] == "ft:base:ftjob-1"


async def test_the_events_of_all_pages_are_read(server: MisbehavingServer, jobs: Jobs) -> None:
    a_run(server, 350)
    assert steps(await watch_to_end(jobs)) == list(range(1, 351))


@pytest.mark.parametrize("oldest_first", [False, True])
@pytest.mark.parametrize("ignores_after", [False, True])
async def test_paging_ends_without_has_more_and_if_after_is_ignored(
    server: MisbehavingServer, jobs: Jobs, *, oldest_first: bool, ignores_after: bool
) -> None:
    a_run(server, 60)
    server.without_has_more, server.ignores_after = True, ignores_after
    server.oldest_first = oldest_first
    async with asyncio.timeout(PATIENCE):
        assert steps(await watch_to_end(jobs)) == list(range(1, 61))


async def test_doubled_and_shuffled_events_are_reported_once_and_in_order(
    server: MisbehavingServer, jobs: Jobs
) -> None:
    a_run(server, 6)
    events = server.events["ftjob-1"]
    server.events["ftjob-1"] = [events[i] for i in (2, 0, 2, 5, 1, 4, 3, 0)]
    assert steps(await watch_to_end(jobs)) == [1, 2, 3, 4, 5, 6]


async def test_events_without_id_or_time_are_recorded_once(
    server: MisbehavingServer, jobs: Jobs
) -> None:
    server.add_job()
    for step in (1, 2):
        event = server.add_step(step)
        del event["id"], event["created_at"]
    server.finish()
    assert sorted(steps(await watch_to_end(jobs))) == [1, 2]
    assert sorted(steps(await watch_to_end(jobs))) == [1, 2]


async def test_events_of_the_same_second_keep_the_order_of_their_steps(
    server: MisbehavingServer, jobs: Jobs
) -> None:
    a_run(server, 8)
    for event in server.events["ftjob-1"]:
        event["created_at"] = 1_700_000_000
    assert steps(await watch_to_end(jobs)) == list(range(1, 9))


async def test_validating_files_and_unknown_states_do_not_end_the_watch(
    server: MisbehavingServer, jobs: Jobs, time: Time
) -> None:
    server.add_job(status="validating_files")
    time.plan = [
        lambda: server.jobs["ftjob-1"].update(status="pondering"),
        lambda: server.jobs["ftjob-1"].update(status="running"),
        server.finish,
    ]
    states = [r["status"] for r in await watch_to_end(jobs) if r["type"] == "status"]
    assert states == ["validating_files", "pondering", "running", "succeeded"]


async def test_more_events_than_a_page_between_two_polls_are_all_read(
    server: MisbehavingServer, jobs: Jobs, time: Time
) -> None:
    server.add_job()
    server.add_step(1)
    time.plan = [lambda: [server.add_step(step) for step in range(2, 252)], server.finish]
    assert steps(await watch_to_end(jobs)) == list(range(1, 252))


async def test_more_checkpoints_than_a_page_are_all_read(
    server: MisbehavingServer, jobs: Jobs, time: Time
) -> None:
    server.add_job()
    for step in range(1, 121):
        server.save(step)
    time.plan = [
        lambda: [server.save(step) for step in range(121, 251)],
        lambda: server.add_step(250, valid_loss=0.5),
        server.finish,
    ]
    records = await watch_to_end(jobs)
    saved = [record["step"] for record in records if record["type"] == "checkpoint"]
    assert saved == list(range(1, 251))


async def test_new_events_of_a_server_that_lists_oldest_first_are_read_while_the_job_runs(
    server: MisbehavingServer, jobs: Jobs, time: Time
) -> None:
    server.add_job()
    server.oldest_first = True
    for step in range(1, 131):
        server.add_step(step)
    time.plan = [lambda: server.add_step(131), lambda: server.add_step(132), server.finish]
    updates = [steps(update.records) async for update in jobs.follow("far", "ftjob-1")]
    assert [131] in updates
    assert [132] in updates


async def test_an_interrupted_poll_continues_at_the_same_page(
    server: MisbehavingServer, jobs: Jobs, time: Time
) -> None:
    a_run(server, 900)
    pages = [Fault("pass", path="events") for _ in range(5)]
    server.faults = [*pages, Fault("reset", path="events")]
    time.plan = [lambda: server.add_step(901)]
    assert steps(await watch_to_end(jobs)) == list(range(1, 902))
    page_requests = server.count("GET", "/events")
    assert page_requests < 6 + 9, "pages that were there already are not asked for again"


async def test_the_difference_of_the_servers_clock_is_recorded(
    server: MisbehavingServer, jobs: Jobs
) -> None:
    a_run(server)
    server.clock_ahead = 3600.0
    await watch_to_end(jobs)
    view = await jobs.recorded_view("far", "ftjob-1")
    # The test's clock stands in the year 2023, the server's runs with this machine's.
    assert view.clock_ahead > 3600


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", 500),
        Fault("status", 429),
        Fault("html"),
        Fault("reset"),
        Fault("reset", path="events"),
        Fault("html", path="events"),
        Fault("status", 503, path="checkpoints"),
        Fault("hang"),
        Fault("hang", path="events"),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.code}-{fault.path}",
)
async def test_faults_of_the_server_lose_no_record(
    server: MisbehavingServer, jobs: Jobs, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.services.watching.watch._POLL_SECONDS", 1.5)
    a_run(server)
    server.faults = [fault, Fault(**vars(fault))]
    updates = [update async for update in jobs.follow("far", "ftjob-1")]
    failures = [update.connection for update in updates if update.connection.error]
    assert len(failures) == 2
    assert failures[0].offline_since == failures[1].offline_since is not None
    assert updates[-1].connection.error is None
    assert steps([record for update in updates for record in update.records]) == [1, 2, 3, 4, 5]


async def test_retry_after_is_respected(server: MisbehavingServer, jobs: Jobs, time: Time) -> None:
    a_run(server)
    server.faults = [Fault("status", 429, headers={"Retry-After": "37"})]
    await watch_to_end(jobs)
    assert time.pauses[0] == 37


async def test_a_job_that_is_briefly_unknown_is_watched_further(
    server: MisbehavingServer, jobs: Jobs, time: Time
) -> None:
    server.add_job()
    unknown = Fault("status", 404, path="ftjob-1")
    time.plan = [lambda: server.faults.extend([unknown, unknown]), server.finish]
    states = [r["status"] for r in await watch_to_end(jobs) if r["type"] == "status"]
    assert states == ["running", "succeeded"]
    assert not server.faults


async def test_a_vanished_job_is_reported_and_its_history_kept(
    server: MisbehavingServer, jobs: Jobs, time: Time
) -> None:
    server.add_job()
    server.add_step(1)
    time.plan = [server.jobs.clear]
    updates: list[JobUpdate] = []

    async def follow() -> None:
        async for update in jobs.follow("far", "ftjob-1"):
            updates.append(update)

    with pytest.raises(NotFound, match="recorded history is kept"):
        await follow()
    assert [bool(update.connection.error) for update in updates[-3:]] == [False, True, True]
    view = await jobs.recorded_view("far", "ftjob-1")
    assert (view.step, view.status) == (1, "running")


async def test_an_unknown_job_is_reported_at_once(
    server: MisbehavingServer, jobs: Jobs, time: Time
) -> None:
    with pytest.raises(NotFound):
        await watch_to_end(jobs, "ftjob-9")
    assert time.pauses == []


async def test_a_server_without_checkpoints_is_asked_for_them_at_start_and_end_only(
    server: MisbehavingServer, jobs: Jobs, time: Time
) -> None:
    server.add_job()
    server.without_checkpoints = True
    time.plan = [lambda: server.add_step(1, valid_loss=1.0), lambda: None, server.finish]
    assert steps(await watch_to_end(jobs)) == [1]
    assert server.count("GET", "/checkpoints") == 2


async def test_missing_fields_and_wrong_types_are_tolerated(
    server: MisbehavingServer, jobs: Jobs
) -> None:
    server.add_job(created_at=None, model=None, error="odd", finished_at="soon")
    server.events["ftjob-1"] = [
        {"id": "a", "type": "metrics", "data": {"step": "7", "train_loss": "0.5"}},
        {"id": "b", "type": "metrics", "data": None, "created_at": "never"},
        {"id": "c", "type": "metrics", "data": {"step": float("nan"), "train_loss": 1}},
        {"id": "d", "message": None, "created_at": 3},
        "not an event",  # type: ignore[list-item]
    ]
    server.jobs["ftjob-1"]["status"] = "failed"
    await watch_to_end(jobs)
    view = await jobs.recorded_view("far", "ftjob-1")
    assert [point[:2] for point in view.train] == [(7, 0.5)]
    assert view.error == "odd"
