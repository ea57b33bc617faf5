"""A job is created once, whatever the server does and whenever ftui is killed."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from servers.misbehaving import Fault, MisbehavingServer
from support.providers import provider_profile
from support.sample_rows import good_rows
from support.waiting import PATIENCE

from tui.domain.submission.job_request import JobRequest
from tui.services.clock import Clock
from tui.services.container import Services
from tui.services.errors import FileError, InputError, NotFound, ProviderError
from tui.services.jobs.jobs import Jobs
from tui.services.reading.row_file import Stamp
from tui.services.submission.job_creation import CreationUncertain
from tui.settings import Settings

JOBS = "fine_tuning/jobs"


@pytest.fixture
async def services(server: MisbehavingServer, tmp_path: Path) -> AsyncIterator[Services]:
    far = provider_profile(server.url)
    settings = Settings(
        home=tmp_path / "home",
        workspace=tmp_path / ".ftui",
        provider="far",
        providers={
            "far": far,
            "azure": far.model_copy(update={"kind": "azure", "training_type": "Standard"}),
            "nebius": far.model_copy(update={"kind": "nebius"}),
        },
    )
    services = Services(settings)
    yield services
    await services.providers.close()


@pytest.fixture
def jobs(services: Services) -> Jobs:
    async def sleep(seconds: float) -> None:
        await asyncio.sleep(0)

    clock = Clock(now=lambda: 1_700_000_000.0, sleep=sleep, random=lambda: 1.0)
    return Jobs(services.settings, services.workspace, services.providers, clock)


@pytest.fixture
def training(tmp_path: Path) -> Path:
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in good_rows(20)))
    return path


def request(path: Path, **fields: object) -> JobRequest:
    values = {"training_file": path, "model": "base", "provider": "far", **fields}
    return JobRequest.model_validate(values)


def pending(services: Services) -> list[Path]:
    return list(services.workspace.pending.glob("*"))


@pytest.mark.parametrize(
    "fault",
    [Fault("after", 500), Fault("after", 408), Fault("after-reset")],
    ids=["answers 500", "answers 408", "resets the connection"],
)
async def test_a_job_created_despite_an_error_response_is_found(
    server: MisbehavingServer, jobs: Jobs, services: Services, training: Path, fault: Fault
) -> None:
    server.faults = [Fault(**vars(fault) | {"path": JOBS, "method": "POST"})]
    view = await jobs.submit(request(training))
    assert list(server.jobs) == [view.id]
    assert server.count("POST", JOBS) == 1
    assert not pending(services)


async def test_a_job_created_without_a_response_is_found(
    server: MisbehavingServer, jobs: Jobs, services: Services, training: Path
) -> None:
    client = await services.providers.client("far")
    client.timeout = 0.3
    server.faults = [Fault("after-hang", path=JOBS, method="POST")]
    view = await jobs.submit(request(training))
    assert list(server.jobs) == [view.id]
    assert server.count("POST", JOBS) == 1


async def test_a_rejected_mark_is_retried_once_without_it(
    server: MisbehavingServer, jobs: Jobs, training: Path
) -> None:
    server.unknown = {"metadata"}
    view = await jobs.submit(request(training))
    assert list(server.jobs) == [view.id]
    assert server.count("POST", JOBS) == 2
    assert "metadata" not in server.jobs[view.id]


async def test_without_a_mark_a_failure_is_reported_as_uncertain(
    server: MisbehavingServer, jobs: Jobs, services: Services, training: Path
) -> None:
    first = {"error": {"message": "Unknown parameter: 'metadata'."}}
    server.faults = [
        Fault("status", 400, path=JOBS, method="POST", body=first),
        Fault("after", 500, path=JOBS, method="POST"),
    ]
    with pytest.raises(CreationUncertain, match=r"may have been created.*rejects the metadata"):
        await jobs.submit(request(training))
    assert server.count("POST", JOBS) == 2
    assert await jobs.recover() == [], "an uncertainty is reported once"


async def test_other_refusals_are_not_retried(
    server: MisbehavingServer, jobs: Jobs, services: Services, training: Path
) -> None:
    server.unknown = {"seed"}
    with pytest.raises(ProviderError, match="Unknown parameter: 'seed'"):
        await jobs.submit(request(training, seed=1))
    assert server.count("POST", JOBS) == 1
    assert not pending(services)


async def test_rate_limiting_means_that_no_job_was_created(
    server: MisbehavingServer, jobs: Jobs, services: Services, training: Path
) -> None:
    server.faults = [Fault("status", 429, path=JOBS, method="POST")]
    with pytest.raises(ProviderError, match="rate limiting") as caught:
        await jobs.submit(request(training))
    assert not isinstance(caught.value, CreationUncertain)
    assert server.count("GET", JOBS) == 0
    assert not pending(services)


async def test_a_job_that_appears_late_is_found_at_the_next_start(
    server: MisbehavingServer, jobs: Jobs, services: Services, training: Path
) -> None:
    lists = [Fault("status", 500, path=JOBS, method="GET") for _ in range(4)]
    server.faults = [Fault("after", 500, path=JOBS, method="POST"), *lists]
    with pytest.raises(CreationUncertain, match="the jobs cannot be listed either"):
        await jobs.submit(request(training))
    (settled,) = await jobs.recover()
    assert settled.view is not None
    assert settled.view.id == "ftjob-1"
    assert [view.id for view in await jobs.recorded()] == ["ftjob-1"]
    assert not pending(services)


async def test_recovery_waits_for_an_unreachable_server(
    server: MisbehavingServer, jobs: Jobs, training: Path
) -> None:
    await cancel_during(jobs, server, training, Fault("after-hang", path=JOBS, method="POST"))
    server.faults = [Fault("status", 503, path=JOBS, method="GET")]
    assert await jobs.recover() == []
    (settled,) = await jobs.recover()
    assert settled.view


async def cancel_during(
    jobs: Jobs, server: MisbehavingServer, training: Path, fault: Fault
) -> None:
    """Submit a job, and be cancelled while the server handles a request."""
    server.faults = [fault]
    task = asyncio.create_task(jobs.submit(request(training)))
    await server.hanging.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_job_being_created_is_not_recovered(
    server: MisbehavingServer, jobs: Jobs, training: Path
) -> None:
    server.faults = [Fault("after-hang", path=JOBS, method="POST")]
    task = asyncio.create_task(jobs.submit(request(training)))
    await server.hanging.wait()
    assert await jobs.recover() == []
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_request_that_was_never_sent_is_reported(
    server: MisbehavingServer, jobs: Jobs, training: Path
) -> None:
    await cancel_during(jobs, server, training, Fault("hang", path="/files", method="POST"))
    (settled,) = await jobs.recover()
    assert settled.request == request(training)
    assert "quit before the job was created" in str(settled.error)
    assert await jobs.recover() == []


async def test_a_job_that_the_server_does_not_list_is_reported(
    server: MisbehavingServer, jobs: Jobs, training: Path
) -> None:
    await cancel_during(jobs, server, training, Fault("hang", path=JOBS, method="POST"))
    (settled,) = await jobs.recover()
    assert settled.view is None
    assert "is not in the list of jobs" in str(settled.error)


async def test_a_job_is_reported_when_ftui_was_killed_before_its_creation(
    server: MisbehavingServer, jobs: Jobs, services: Services, training: Path, tmp_path: Path
) -> None:
    """The recovery of a created job is tested with the commands."""
    config = tmp_path / "config.toml"
    config.write_text(
        f'provider = "far"\nmodel = "base"\nworkspace = "{services.settings.workspace}"\n'
        f'[providers.far]\nbase_url = "{server.url}"\napi_key_env = "TEST_KEY"\n'
    )
    server.faults = [Fault("hang", path=JOBS, method="POST")]
    command = [sys.executable, "-m", "tui", "train", str(training), "--json"]
    environment = {**os.environ, "FTUI_CONFIG": str(config), "FTUI_HOME": str(tmp_path / "home")}
    process = await asyncio.create_subprocess_exec(*command, env=environment)
    async with asyncio.timeout(PATIENCE):
        await server.hanging.wait()
    process.kill()
    await process.wait()
    (settled,) = await jobs.recover()
    assert settled.request == request(training, method="supervised")
    assert settled.error
    assert not server.jobs
    assert not pending(services)


async def test_a_truncated_record_is_tolerated(
    jobs: Jobs, services: Services, server: MisbehavingServer, training: Path
) -> None:
    await cancel_during(jobs, server, training, Fault("hang", path=JOBS, method="POST"))
    (record,) = pending(services)
    record.write_bytes(record.read_bytes() + b'{"nonce": "torn')
    services.workspace.pending.joinpath("empty.jsonl").touch()
    (settled,) = await jobs.recover()
    assert settled.error
    assert not pending(services)


async def test_a_file_changed_after_its_check_is_rejected(
    jobs: Jobs, server: MisbehavingServer, training: Path
) -> None:
    checked = {training: Stamp.of(training.stat())}
    training.write_text("{}\n")
    with pytest.raises(FileError, match="changed after it was checked"):
        await jobs.submit(request(training), checked)
    assert not server.requests


async def test_an_azure_server_gets_its_byte_order_mark_and_training_type(
    jobs: Jobs, server: MisbehavingServer, training: Path
) -> None:
    await jobs.submit(request(training, provider="azure"))
    assert server.files.contents["file-1"].startswith(b"\xef\xbb\xbf{")
    assert server.bodies[-1]["trainingType"] == "Standard"


async def test_hyperparameters_are_sent_where_each_server_expects_them(
    jobs: Jobs, server: MisbehavingServer, training: Path
) -> None:
    fields = {"epochs": 2, "hyperparameters": {"lora_r": 8, "packing": True}}
    hyperparameters = {"n_epochs": 2, "lora_r": 8, "packing": True}
    await jobs.submit(request(training, provider="far", **fields))
    method = server.bodies[-1]["method"]
    assert method == {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}}
    await jobs.submit(request(training, provider="nebius", **fields))
    assert server.bodies[-1]["hyperparameters"] == hyperparameters
    assert server.bodies[-1]["method"] == {"type": "supervised"}


async def test_the_request_of_a_recorded_job_is_loaded(
    jobs: Jobs, server: MisbehavingServer, training: Path
) -> None:
    original = request(training, epochs=3, suffix="tickets", hyperparameters={"lora_r": 8})
    view = await jobs.submit(original)
    assert await jobs.load_request("far", view.id) == original
    training.unlink()
    again = await jobs.load_request("far", view.id)
    assert (again.training_file, again.training_file_id) == (None, "file-1")
    assert (again.epochs, again.suffix) == (3, "tickets")
    assert (await jobs.submit(again)).id == "ftjob-2"
    assert server.bodies[-1]["training_file"] == "file-1"
    assert len(server.files.contents) == 1


async def test_the_request_of_a_job_started_elsewhere_is_read_from_its_server(
    jobs: Jobs, server: MisbehavingServer
) -> None:
    server.add_job(
        training_file="file-9",
        validation_file="file-8",
        seed=42,
        user_provided_suffix="mine",
        method={
            "type": "dpo",
            "dpo": {"hyperparameters": {"n_epochs": "auto", "batch_size": 4, "beta": 0.2}},
        },
    )
    assert await jobs.load_request("far", "ftjob-1") == JobRequest(
        training_file_id="file-9",
        validation_file_id="file-8",
        model="base",
        provider="far",
        method="dpo",
        batch_size=4,
        beta=0.2,
        seed=42,
        suffix="mine",
    )


async def test_a_job_that_cannot_be_started_again_is_reported(
    jobs: Jobs, server: MisbehavingServer
) -> None:
    server.add_job(training_file="file-9", method={"type": "reinforcement"})
    with pytest.raises(InputError, match="cannot be started again from here"):
        await jobs.load_request("far", "ftjob-1")
    with pytest.raises(NotFound):
        await jobs.load_request("far", "ftjob-7")
