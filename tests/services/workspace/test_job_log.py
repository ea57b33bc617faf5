"""The records of a job survive crashes, concurrent writers and changed settings."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from servers.misbehaving import MisbehavingServer
from support.watched_jobs import Time, a_run, follow_to_first_records, steps, watch_to_end

from tui.services.container import Services
from tui.services.errors import InputError
from tui.services.jobs.jobs import Jobs


async def test_a_finished_job_is_read_from_its_log_without_requests(
    server: MisbehavingServer, jobs: Jobs
) -> None:
    a_run(server)
    first = await watch_to_end(jobs)
    requests = len(server.requests)
    assert await watch_to_end(jobs) == first
    assert len(server.requests) == requests
    view = await jobs.recorded_view("far", "ftjob-1")
    assert (view.status, view.step, len(view.train)) == ("succeeded", 5, 5)


async def test_a_torn_line_is_dropped_and_read_from_the_server_again(
    server: MisbehavingServer, jobs: Jobs, services: Services, time: Time
) -> None:
    server.add_job()
    for step in (1, 2, 3):
        server.add_step(step)
    await follow_to_first_records(jobs)
    log = services.workspace.jobs / "far" / "ftjob-1" / "events.jsonl"
    log.write_bytes(log.read_bytes()[:-20])
    server.add_step(4)
    server.finish()
    assert steps(await watch_to_end(jobs)) == [1, 2, 3, 4]


@pytest.fixture
def log(services: Services) -> Path:
    return services.workspace.jobs / "far" / "ftjob-1" / "events.jsonl"


async def test_a_log_cut_at_any_byte_is_restored_exactly(
    server: MisbehavingServer, jobs: Jobs, log: Path
) -> None:
    a_run(server, 4)
    records = await watch_to_end(jobs)
    content = log.read_bytes()
    for length in range(0, len(content), 29):
        log.write_bytes(content[:length])
        assert await watch_to_end(jobs) == records
        assert log.read_bytes() == content


def test_each_record_is_logged_once_although_its_writer_is_killed_repeatedly(
    tmp_path: Path,
) -> None:
    log, count = tmp_path / "jobs" / "far" / "ftjob-1" / "events.jsonl", 3000
    for patience in (0.005, 0.02, 0.05):
        with writer(log, count) as process:
            assert process.stdout
            process.stdout.readline()
            time.sleep(patience)
            process.kill()
    torn = log.read_bytes()
    assert 0 < torn.count(b"\n") < count
    with writer(log, count) as process:
        assert process.wait(60) == 0
    assert log.read_bytes().startswith(torn[: torn.rfind(b"\n") + 1])
    assert ids(log) == [f"e{n}" for n in range(count)]


def test_two_concurrent_writers_log_each_record_once_and_in_order(tmp_path: Path) -> None:
    log, count = tmp_path / "jobs" / "far" / "ftjob-1" / "events.jsonl", 600
    with writer(log, count) as first, writer(log, count) as second:
        assert [first.wait(60), second.wait(60)] == [0, 0]
    assert ids(log) == [f"e{n}" for n in range(count)]


def writer(log: Path, count: int) -> subprocess.Popen[bytes]:
    program = Path(__file__).parents[2] / "support" / "log_writer.py"
    return subprocess.Popen(
        [sys.executable, program, log.parents[3], str(count)], stdout=subprocess.PIPE
    )


def ids(log: Path) -> list[str]:
    return [json.loads(line)["id"] for line in log.read_bytes().splitlines()]


async def test_torn_lines_of_a_log_of_an_older_version_are_skipped(jobs: Jobs, log: Path) -> None:
    log.parent.mkdir(parents=True)
    step = b'{"type":"metrics","id":"a","at":5.0,"step":1,"train_loss":0.5}'
    log.write_bytes(b"\n".join([step, b'{"type":"met', b"[1]", b"", step, step[:20]]))
    view = await jobs.recorded_view("far", "ftjob-1")
    assert [point[:2] for point in view.train] == [(1, 0.5)]


async def test_a_job_whose_provider_was_removed_from_the_settings_opens_with_its_curves(
    server: MisbehavingServer, jobs: Jobs, services: Services
) -> None:
    server.add_job()
    server.add_step(1)
    await follow_to_first_records(jobs)
    settings = services.settings.model_copy(update={"providers": {}, "provider": "local"})
    jobs_without_provider = Services(settings).jobs
    listed = await jobs_without_provider.list_jobs()
    assert [(view.id, view.step) for view in listed.views] == [("ftjob-1", 1)]
    updates = jobs_without_provider.follow("far", "ftjob-1")
    recorded = await anext(updates)
    assert list(recorded.view.train) == [(1, 3.0, 1_700_000_001)]
    with pytest.raises(InputError, match="no provider far"):
        await anext(updates)


async def test_two_concurrent_watchers_leave_one_history(
    server: MisbehavingServer, jobs: Jobs
) -> None:
    a_run(server, 30)
    await asyncio.gather(watch_to_end(jobs), watch_to_end(jobs))
    assert steps(await watch_to_end(jobs)) == list(range(1, 31))


async def test_the_log_of_a_job_with_a_path_as_id_stays_in_the_workspace(
    server: MisbehavingServer, jobs: Jobs, services: Services
) -> None:
    server.add_job("../../../evil", status="failed")
    listed = await jobs.list_jobs()
    assert [view.id for view in listed.views] == ["../../../evil"]
    log = jobs._log("far", "../../../evil")
    await log.append([{"type": "status", "at": 1.0, "status": "failed"}])
    logs = list(services.workspace.root.rglob("events.jsonl"))
    assert len(logs) == 1
    assert [view.id for view in await jobs.recorded()] == ["../../../evil"]
