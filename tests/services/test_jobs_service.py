"""Jobs against a real HTTP server that behaves badly: nothing is lost, doubled or invented."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from servers.misbehaving import Fault, MisbehavingServer, misbehaving_server

from tui.domain.job_records import Record
from tui.domain.job_request import JobRequest
from tui.services.container import Services
from tui.services.errors import FileError, InputError, NotFound, ProviderError
from tui.services.jobs import Jobs
from tui.services.polling import Clock
from tui.settings import ProviderProfile, Settings

KEY = "sk-verysecret123456"


class Time:
    """A clock that a test turns: sleeping moves it on and runs what is planned for that moment."""

    def __init__(self) -> None:
        self.at = 1_700_000_000.0
        self.pauses: list[float] = []
        self.plan: list[object] = []

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.at += seconds
        if self.plan:
            action = self.plan.pop(0)
            action()  # type: ignore[operator]
        await asyncio.sleep(0)

    def clock(self) -> Clock:
        return Clock(now=lambda: self.at, sleep=self.sleep, random=lambda: 1.0, nap=math.inf)


@pytest.fixture
async def server() -> AsyncIterator[MisbehavingServer]:
    async with misbehaving_server() as server:
        yield server


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def services(
    server: MisbehavingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Services]:
    monkeypatch.setenv("TEST_KEY", KEY)
    profile = ProviderProfile(base_url=server.url, api_key_env="TEST_KEY")
    settings = Settings(
        home=tmp_path / "home",
        workspace=tmp_path / ".ftui",
        provider="far",
        providers={"far": profile},
    )
    services = Services(settings)
    yield services
    await services.providers.close()


@pytest.fixture
def jobs(services: Services, time: Time) -> Jobs:
    return Jobs(services.settings, services.workspace, services.providers, time.clock())


@pytest.fixture
def training(tmp_path: Path) -> Path:
    path = tmp_path / "train.jsonl"
    path.write_text('{"messages": []}\n')
    return path


def request(path: Path, **fields: object) -> JobRequest:
    return JobRequest.model_validate(
        {"training_file": path, "model": "base", "provider": "far", **fields}
    )


async def seen(jobs: Jobs, job: str = "ftjob-1") -> list[Record]:
    return [record async for record in jobs.watch("far", job)]


def steps(records: list[Record]) -> list[int]:
    return [record["step"] for record in records if record["type"] == "metrics"]


def a_run(server: MisbehavingServer, count: int = 5) -> None:
    server.add_job()
    for step in range(1, count + 1):
        server.add_step(step)
    server.finish()


async def test_a_finished_job_is_told_oldest_first_and_ends_with_its_status(
    server: MisbehavingServer, jobs: Jobs
) -> None:
    a_run(server)
    records = await seen(jobs)
    assert steps(records) == [1, 2, 3, 4, 5]
    assert records[-1]["status"] == "succeeded"
    assert records[-1]["fine_tuned_model"] == "ft:base:ftjob-1"


async def test_everything_that_happened_meanwhile_is_there_on_every_page(
    server: MisbehavingServer, jobs: Jobs
) -> None:
    a_run(server, 350)
    assert steps(await seen(jobs)) == list(range(1, 351))


@pytest.mark.parametrize("oldest_first", [False, True])
@pytest.mark.parametrize("ignores_after", [False, True])
async def test_paging_ends_without_has_more_and_where_after_is_ignored(
    server: MisbehavingServer, jobs: Jobs, *, oldest_first: bool, ignores_after: bool
) -> None:
    a_run(server, 60)
    server.without_has_more, server.ignores_after = True, ignores_after
    server.oldest_first = oldest_first
    async with asyncio.timeout(20):
        assert steps(await seen(jobs)) == list(range(1, 61))


async def test_doubled_and_shuffled_events_come_once_and_in_order(
    server: MisbehavingServer, jobs: Jobs
) -> None:
    a_run(server, 6)
    events = server.events["ftjob-1"]
    server.events["ftjob-1"] = [events[i] for i in (2, 0, 2, 5, 1, 4, 3, 0)]
    assert steps(await seen(jobs)) == [1, 2, 3, 4, 5, 6]


async def test_events_without_id_or_time_are_kept_once(
    server: MisbehavingServer, jobs: Jobs
) -> None:
    server.add_job()
    for step in (1, 2):
        event = server.add_step(step)
        del event["id"], event["created_at"]
    server.finish()
    assert sorted(steps(await seen(jobs))) == [1, 2]
    assert sorted(steps(await seen(jobs))) == [1, 2]


async def test_a_whole_second_of_events_keeps_the_order_of_the_steps(
    server: MisbehavingServer, jobs: Jobs
) -> None:
    a_run(server, 8)
    for event in server.events["ftjob-1"]:
        event["created_at"] = 1_700_000_000
    assert steps(await seen(jobs)) == list(range(1, 9))


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


async def test_checking_files_and_unknown_states_are_not_the_end(
    server: MisbehavingServer, jobs: Jobs, time: Time
) -> None:
    server.add_job(status="validating_files")
    time.plan = [
        lambda: server.jobs["ftjob-1"].update(status="pondering"),
        lambda: server.jobs["ftjob-1"].update(status="running"),
        server.finish,
    ]
    states = [r["status"] for r in await seen(jobs) if r["type"] == "status"]
    assert states == ["validating_files", "pondering", "running", "succeeded"]


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
    ],
    ids=lambda fault: f"{fault.kind}-{fault.code}-{fault.path}",
)
async def test_trouble_is_outlived_without_loss(
    server: MisbehavingServer, jobs: Jobs, fault: Fault
) -> None:
    a_run(server)
    server.faults = [fault, Fault(**vars(fault))]
    looks = [look async for look in jobs.follow("far", "ftjob-1")]
    troubles = [look.contact for look in looks if look.contact.trouble]
    assert len(troubles) == 2
    assert troubles[0].offline_since == troubles[1].offline_since is not None
    assert looks[-1].contact.trouble is None
    assert steps([record for look in looks for record in look.records]) == [1, 2, 3, 4, 5]


async def test_a_server_that_says_when_is_not_asked_before(
    server: MisbehavingServer, jobs: Jobs, time: Time
) -> None:
    a_run(server)
    server.faults = [Fault("status", 429, headers={"Retry-After": "37"})]
    await seen(jobs)
    assert time.pauses[0] == 37


async def test_a_job_that_vanishes_is_said_and_its_history_stays(
    server: MisbehavingServer, jobs: Jobs, time: Time
) -> None:
    server.add_job()
    server.add_step(1)
    time.plan = [server.jobs.clear]
    with pytest.raises(NotFound):
        await seen(jobs)
    assert (await jobs.history("far", "ftjob-1")).step == 1


async def test_a_server_without_checkpoints_is_asked_at_the_beginning_and_the_end(
    server: MisbehavingServer, jobs: Jobs, time: Time
) -> None:
    server.add_job()
    server.without_checkpoints = True
    time.plan = [lambda: server.add_step(1, valid_loss=1.0), lambda: None, server.finish]
    assert steps(await seen(jobs)) == [1]
    assert server.count("GET", "/checkpoints") == 2


async def test_missing_fields_and_wrong_types_do_no_harm(
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
    await seen(jobs)
    view = await jobs.history("far", "ftjob-1")
    assert [point[:2] for point in view.train] == [(7, 0.5)]
    assert view.error == "odd"


async def test_a_submitted_job_is_recorded_with_what_was_asked(
    server: MisbehavingServer, jobs: Jobs, training: Path
) -> None:
    view = await jobs.submit(request(training, epochs=3, suffix="tickets", seed=7))
    assert (view.id, view.status, view.model) == ("ftjob-1", "queued", "base")
    assert b'{"messages": []}' in server.uploads[0]
    created = server.jobs["ftjob-1"]
    assert created["method"] == {
        "type": "supervised",
        "supervised": {"hyperparameters": {"n_epochs": 3}},
    }
    asked = await jobs.request_of("far", "ftjob-1")
    assert asked is not None
    assert (asked.epochs, asked.suffix) == (3, "tickets")


@pytest.mark.parametrize("code", [500, 502, 408])
async def test_a_job_created_by_a_failing_answer_is_found_and_not_created_again(
    server: MisbehavingServer, jobs: Jobs, training: Path, code: int
) -> None:
    server.faults = [Fault("after", code, path="fine_tuning/jobs", method="POST")]
    view = await jobs.submit(request(training))
    assert list(server.jobs) == [view.id]
    assert server.count("POST", "/fine_tuning/jobs") == 1


async def test_where_no_job_was_created_the_person_is_told_to_look_first(
    server: MisbehavingServer, jobs: Jobs, training: Path
) -> None:
    server.faults = [Fault("status", 500, path="fine_tuning/jobs", method="POST")]
    with pytest.raises(ProviderError, match=r"not certain.*`ftui jobs`"):
        await jobs.submit(request(training))
    assert server.count("POST", "/fine_tuning/jobs") == 1


async def test_a_refused_organisation_is_told_of_the_closing(
    server: MisbehavingServer, jobs: Jobs, training: Path
) -> None:
    said = {"error": {"message": "Your organization may not."}}
    server.faults = [Fault("status", 403, path="fine_tuning/jobs", method="POST", body=said)]
    with pytest.raises(ProviderError, match=r"may not.*2027-01-06.*--provider local"):
        await jobs.submit(request(training))


async def test_a_wrong_key_names_its_variable_and_is_never_shown(
    server: MisbehavingServer, jobs: Jobs
) -> None:
    said = {"error": {"message": f"Incorrect API key provided: {KEY}."}}
    server.faults = [Fault("status", 401, body=said)]
    with pytest.raises(ProviderError, match="TEST_KEY") as caught:
        await seen(jobs)
    assert KEY not in str(caught.value)


async def test_a_missing_key_names_its_variable(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEST_KEY")
    with pytest.raises(ProviderError, match="TEST_KEY is not set"):
        await seen(jobs)


async def test_fastapi_bodies_keep_their_message(server: MisbehavingServer, jobs: Jobs) -> None:
    server.faults = [Fault("status", 422, body={"detail": [{"loc": ["x"], "msg": "too odd"}]})]
    with pytest.raises(ProviderError, match="too odd"):
        await seen(jobs)


async def test_files_that_cannot_be_sent_are_named(jobs: Jobs, tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    with pytest.raises(InputError, match="empty"):
        await jobs.submit(request(empty))
    with pytest.raises(FileError, match=r"no file .*gone\.jsonl"):
        await jobs.submit(request(tmp_path / "gone.jsonl"))
    with pytest.raises(FileError, match="folder"):
        await jobs.submit(request(tmp_path))


async def test_the_list_merges_the_servers_jobs_with_those_it_forgot(
    server: MisbehavingServer, jobs: Jobs
) -> None:
    a_run(server)
    await seen(jobs)
    server.jobs.clear()
    server.add_job("ftjob-2", created_at=1_700_000_900, status="queued")
    listed = await jobs.list_jobs()
    assert [(view.id, view.status) for view in listed.views] == [
        ("ftjob-2", "queued"),
        ("ftjob-1", "succeeded"),
    ]
    assert not listed.troubles


async def test_the_list_brings_the_end_of_a_job_that_nobody_watched(
    server: MisbehavingServer, jobs: Jobs, training: Path
) -> None:
    await jobs.submit(request(training))
    for step in (1, 2, 3):
        server.add_step(step, valid_loss=0.5)
    server.finish()
    (view,) = (await jobs.list_jobs()).views
    assert (view.status, view.step, view.valid_loss) == ("succeeded", 3, 0.5)
    assert (await jobs.history("far", "ftjob-1")).status == "succeeded"


async def test_a_server_out_of_reach_leaves_the_recorded_jobs(
    server: MisbehavingServer, jobs: Jobs
) -> None:
    a_run(server)
    await seen(jobs)
    server.faults = [Fault("html")]
    listed = await jobs.list_jobs()
    assert [view.id for view in listed.views] == ["ftjob-1"]
    assert "not the fine-tuning protocol" in str(listed.troubles["far"])


async def test_a_job_is_meant_by_its_beginning_or_by_last(
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


async def test_cancelling_ends_the_job_and_the_watch_tells_the_rest(
    server: MisbehavingServer, jobs: Jobs
) -> None:
    server.add_job()
    server.add_step(1)
    view = await jobs.steer("far", "ftjob-1", "cancel")
    assert view.status == "cancelled"
    records = await seen(jobs)
    assert steps(records) == [1]
    assert records[-1]["status"] == "cancelled"


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
