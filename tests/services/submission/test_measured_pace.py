"""The pace of earlier jobs on this machine, taken from their records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tui.domain.submission.job_request import JobRequest
from tui.services.submission.measured_pace import measured_pace
from tui.services.workspace.job_log import JobFile, JobLog
from tui.services.workspace.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def request(**fields: object) -> JobRequest:
    values = {"training_file": Path("a"), "model": "m", "provider": "local", "method": "supervised"}
    return JobRequest.model_validate({**values, **fields})


def step(number: int, at: float, tokens: int) -> dict[str, Any]:
    metrics = {"type": "metrics", "id": f"{number}-{at}", "at": at}
    return metrics | {"step": number, "num_tokens": tokens, "train_loss": 1.0}


def steps(count: int, tokens: int = 500, seconds: float = 2.0) -> list[dict[str, Any]]:
    return [step(i, 100 + seconds * i, tokens * i) for i in range(1, count + 1)]


async def record(
    workspace: Workspace, job: str, job_request: JobRequest, records: list[dict[str, Any]]
) -> None:
    log = JobLog(workspace, job_request.provider, job)
    at = float(job.removeprefix("job-"))
    await log.save_job_file(
        JobFile(provider=job_request.provider, id=job, created_at=at, request=job_request)
    )
    await log.append(records)


async def test_the_pace_is_that_of_the_latest_job_with_the_model(workspace: Workspace) -> None:
    await record(workspace, "job-1", request(), steps(10, tokens=100))
    event = {"type": "event", "id": "e", "at": 99.0, "level": "info"}
    message = {"message": "Training", "data": {"memory": 2.5e9, "device": "cuda"}}
    await record(workspace, "job-2", request(suffix="new"), [event | message, *steps(10)])
    pace = await measured_pace(workspace, request())
    assert pace is not None
    assert (pace.tokens_per_second, pace.job, pace.on_gpu) == (250.0, "new", True)
    assert pace.memory == 2.5e9


@pytest.mark.parametrize(
    ("data", "on_gpu"),
    [
        ({"device": "cuda"}, True),
        ({"device": "mps"}, True),
        ({"device": "cpu"}, False),
        ({"memory": 2.5e9}, None),
    ],
)
async def test_the_device_is_read_from_the_data_of_the_events_and_not_from_their_text(
    workspace: Workspace, data: dict[str, object], on_gpu: bool | None
) -> None:
    event = {"type": "event", "id": "e", "at": 99.0, "level": "info", "data": data}
    event["message"] = "Training on cuda in bf16"
    await record(workspace, "job-1", request(), [event, *steps(10)])
    pace = await measured_pace(workspace, request())
    assert pace is not None
    assert (pace.tokens_per_second, pace.on_gpu) == (250.0, on_gpu)


@pytest.mark.parametrize(
    "difference",
    [
        {"model": "other"},
        {"method": "dpo"},
        {"hyperparameters": {"lora": False}},
        {"hyperparameters": {"lora_r": 64}},
        {"provider": "openai"},
    ],
)
async def test_jobs_of_another_kind_are_ignored(
    workspace: Workspace, difference: dict[str, object]
) -> None:
    await record(workspace, "job-1", request(**difference), steps(10))
    assert await measured_pace(workspace, request()) is None


async def test_a_job_with_few_steps_is_ignored(workspace: Workspace) -> None:
    await record(workspace, "job-1", request(), steps(4))
    assert await measured_pace(workspace, request()) is None


async def test_pauses_are_excluded_from_the_pace(workspace: Workspace) -> None:
    paused = {"type": "status", "at": 115.0, "status": "paused"}
    after = [step(i, 9_000 + 2 * i, 500 * i) for i in range(8, 12)]
    await record(workspace, "job-1", request(), [*steps(7), paused, *after])
    pace = await measured_pace(workspace, request())
    assert pace is not None
    assert pace.tokens_per_second == pytest.approx(250.0)
