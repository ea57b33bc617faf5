"""Jobs are submitted, cancelled and refused; nothing is done twice and no key is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from servers.misbehaving import Fault, MisbehavingServer
from support.providers import KEY
from support.watched_jobs import request, steps, watch_to_end

from tui.services.errors import FileError, InputError, ProviderError
from tui.services.jobs.jobs import Jobs


async def test_a_submitted_job_is_recorded_with_its_request(
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
    recorded = await jobs.load_request("far", "ftjob-1")
    assert (recorded.epochs, recorded.suffix) == (3, "tickets")


@pytest.mark.parametrize("code", [500, 502, 408])
async def test_a_job_created_despite_an_error_status_is_found_and_not_created_again(
    server: MisbehavingServer, jobs: Jobs, training: Path, code: int
) -> None:
    server.faults = [Fault("after", code, path="fine_tuning/jobs", method="POST")]
    view = await jobs.submit(request(training))
    assert list(server.jobs) == [view.id]
    assert server.count("POST", "/fine_tuning/jobs") == 1


async def test_an_uncertain_creation_is_reported_with_the_command_to_list_jobs(
    server: MisbehavingServer, jobs: Jobs, training: Path
) -> None:
    server.faults = [Fault("status", 500, path="fine_tuning/jobs", method="POST")]
    with pytest.raises(ProviderError, match=r"may have been created.*`ftui jobs`"):
        await jobs.submit(request(training))
    assert server.count("POST", "/fine_tuning/jobs") == 1


async def test_a_refused_organisation_learns_the_closing_date_and_the_alternative(
    server: MisbehavingServer, jobs: Jobs, training: Path
) -> None:
    body = {"error": {"message": "Your organization may not."}}
    server.faults = [Fault("status", 403, path="fine_tuning/jobs", method="POST", body=body)]
    with pytest.raises(ProviderError, match=r"may not.*2027-01-06.*--provider local"):
        await jobs.submit(request(training))


async def test_a_wrong_key_names_its_variable_and_is_never_shown(
    server: MisbehavingServer, jobs: Jobs
) -> None:
    body = {"error": {"message": f"Incorrect API key provided: {KEY}."}}
    server.faults = [Fault("status", 401, body=body)]
    with pytest.raises(ProviderError, match="TEST_KEY") as caught:
        await watch_to_end(jobs)
    assert KEY not in str(caught.value)


async def test_a_missing_key_names_its_variable(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEST_KEY")
    with pytest.raises(ProviderError, match="TEST_KEY is not set"):
        await watch_to_end(jobs)


async def test_the_message_of_a_fastapi_error_is_shown(
    server: MisbehavingServer, jobs: Jobs
) -> None:
    server.faults = [Fault("status", 422, body={"detail": [{"loc": ["x"], "msg": "too odd"}]})]
    with pytest.raises(ProviderError, match="too odd"):
        await watch_to_end(jobs)


async def test_unusable_files_are_named(jobs: Jobs, tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    with pytest.raises(InputError, match="empty"):
        await jobs.submit(request(empty))
    with pytest.raises(FileError, match=r"no file .*gone\.jsonl"):
        await jobs.submit(request(tmp_path / "gone.jsonl"))
    with pytest.raises(FileError, match="folder"):
        await jobs.submit(request(tmp_path))


async def test_a_cancelled_job_is_watched_to_its_end(server: MisbehavingServer, jobs: Jobs) -> None:
    server.add_job()
    server.add_step(1)
    view = await jobs.steer("far", "ftjob-1", "cancel")
    assert view.status == "cancelled"
    records = await watch_to_end(jobs)
    assert steps(records) == [1]
    assert records[-1]["status"] == "cancelled"
