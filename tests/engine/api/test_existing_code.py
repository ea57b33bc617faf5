"""Code written for OpenAI's service works with only base_url and key changed."""

from __future__ import annotations

import asyncio
import csv
import io
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import openai
import pytest
from openai import BaseModel, OpenAI
from openai.types.fine_tuning import FineTuningJob
from support.sample_rows import good_rows

from tui.engine.home import Home
from tui.services.providers.engine_process import EngineProcess, EngineStatus
from tui.settings import Settings

MODEL = "tests/tiny-llama"
MEGABYTE = 1_048_576


def add_to_hub_cache(model: Path, cache: Path) -> None:
    """Store a model as if it had been downloaded from the hub."""
    folder = cache / f"models--{MODEL.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("0" * 40)
    shutil.copytree(model, folder / "snapshots" / ("0" * 40))


@pytest.fixture(scope="module")
def status(
    tiny_model: Path, tmp_path_factory: pytest.TempPathFactory, own_runtime_folder: None
) -> Iterator[EngineStatus]:
    """An engine that serves TCP, with a model in its hub cache."""
    settings = Settings(home=tmp_path_factory.mktemp("existing") / "home")
    add_to_hub_cache(tiny_model, Home(settings.home).models / "hub")
    engine = EngineProcess(settings)
    yield asyncio.run(engine.start(0))
    asyncio.run(engine.stop())


@pytest.fixture(scope="module")
def client(status: EngineStatus) -> Iterator[OpenAI]:
    assert status.token_file is not None
    key = Path(status.token_file).read_text().strip()
    with OpenAI(base_url=status.url, api_key=key) as client:
        yield client


Record = TypeVar("Record", bound=BaseModel)


def well_formed(record: Record, **replaced: Any) -> Record:
    """Return a record after validating it against OpenAI's own type, which the client does not do.

    `replaced` are fields whose values the type does not know, with known ones.
    """
    type(record).model_validate(record.to_dict(mode="json", exclude_unset=False) | replaced)
    missing = {name for name, field in type(record).model_fields.items() if field.is_required()}
    assert missing <= record.model_fields_set
    assert not record.model_extra
    return record


def follow(client: OpenAI, job: FineTuningJob) -> FineTuningJob:
    """Wait for a job as scripts do."""
    deadline = time.monotonic() + 600
    while job.status not in ("succeeded", "failed", "cancelled"):
        assert time.monotonic() < deadline
        time.sleep(0.2)
        job = well_formed(client.fine_tuning.jobs.retrieve(job.id))
    return job


@pytest.mark.long
def test_a_script_goes_from_a_file_to_a_model_that_answers(
    client: OpenAI, chat_file: Callable[..., Path]
) -> None:
    with chat_file().open("rb") as rows:
        training = well_formed(client.files.create(file=rows, purpose="fine-tune"))
    validation = client.uploads.upload_file_chunked(
        file=chat_file(good_rows(4), "valid.jsonl"), mime_type="text/jsonl", purpose="fine-tune"
    ).file
    assert validation is not None
    well_formed(client.files.wait_for_processing(training.id, poll_interval=0.1))
    jobs = client.fine_tuning.jobs
    job = well_formed(
        jobs.create(
            model=MODEL,
            training_file=training.id,
            validation_file=well_formed(validation).id,
            suffix="mails",
            seed=3,
            metadata={"team": "support"},
            method={
                "type": "supervised",
                "supervised": {"hyperparameters": {"n_epochs": 1, "batch_size": 4}},
            },
        )
    )
    later = well_formed(jobs.create(model=MODEL, training_file=training.id))
    pause_resume_cancel(client, later)

    result = follow(client, job)
    assert (result.status, result.error, result.metadata) == (
        "succeeded",
        None,
        {"team": "support"},
    )
    assert result.fine_tuned_model is not None
    assert result.fine_tuned_model.startswith("ft:tiny-llama:mails:")

    assert [item.id for item in jobs.list(limit=1)] == [later.id, job.id]
    assert [item.id for item in jobs.list(metadata={"team": "support"})] == [job.id]
    assert jobs.list(metadata={"team": "sales"}).data == []
    event_ids = [well_formed(event).id for event in jobs.list_events(job.id, limit=3)]
    assert event_ids == [event.id for event in jobs.list_events(job.id, limit=100).data]
    assert len(event_ids) > 6
    checkpoints = [well_formed(item) for item in jobs.checkpoints.list(job.id, limit=2)]
    steps = [checkpoint.step_number for checkpoint in checkpoints]
    assert steps == sorted(set(steps), reverse=True)
    rows = csv.DictReader(io.StringIO(client.files.content(result.result_files[0]).text))
    assert [int(row["step"]) for row in rows] == list(range(1, steps[0] + 1))
    first = checkpoints[-1].fine_tuned_model_checkpoint
    use_and_delete(client, result.fine_tuned_model, first)


def pause_resume_cancel(client: OpenAI, job: FineTuningJob) -> None:
    """Pause, resume and cancel a queued job."""
    jobs = client.fine_tuning.jobs
    while jobs.retrieve(job.id).status == "validating_files":
        time.sleep(0.1)
    with pytest.raises(openai.BadRequestError, match="queued") as raised:
        jobs.resume(job.id)
    assert raised.value.code == "invalid_job_status"
    # OpenAI's servers send `paused`; its types lack that status.
    assert well_formed(jobs.pause(job.id), status="queued").status == "paused"
    assert well_formed(jobs.resume(job.id)).status == "queued"
    assert well_formed(jobs.cancel(job.id)).status == "cancelled"
    for change in (jobs.cancel, jobs.pause, jobs.resume):
        with pytest.raises(openai.BadRequestError, match="already ended") as raised:
            change(job.id)
        assert raised.value.code == "invalid_job_status"


def use_and_delete(client: OpenAI, tuned: str, checkpoint: str) -> None:
    """Chat with a model and one of its checkpoints, then delete both."""
    names = [well_formed(model).id for model in client.models.list()]
    assert {MODEL, tuned} <= set(names)
    for name in (tuned, checkpoint):
        assert well_formed(client.models.retrieve(name)).owned_by == "user"
        answer = client.chat.completions.create(
            model=name, messages=[{"role": "user", "content": "Hello"}], max_tokens=3
        )
        assert well_formed(answer).model == name
    for name in (tuned, checkpoint):
        assert well_formed(client.models.delete(name)).deleted
        for call in (client.models.retrieve, client.models.delete):
            with pytest.raises(openai.NotFoundError) as raised:
                call(name)
            assert raised.value.code == "model_not_found"
    assert tuned not in [model.id for model in client.models.list()]
    with pytest.raises(openai.BadRequestError, match="base model"):
        client.models.delete(MODEL)


def test_endpoints_that_only_openai_has_are_refused_by_name(client: OpenAI) -> None:
    permissions = client.fine_tuning.checkpoints.permissions
    for call in (
        lambda: permissions.list("ft:a:b:c:ckpt-step-1"),
        lambda: permissions.create("ft:a:b:c:ckpt-step-1", project_ids=["p"]),
        lambda: permissions.delete("cp_1", fine_tuned_model_checkpoint="ft:a:b:c:ckpt-step-1"),
    ):
        with pytest.raises(openai.BadRequestError, match="no projects") as raised:
            call()
        assert raised.value.code == "unsupported_endpoint"


def peak_memory(pid: int) -> int:
    """The peak resident memory of a process, in bytes, since it was reset."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM in /proc")


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="reads /proc")
@pytest.mark.long
def test_large_files_are_uploaded_and_downloaded_in_little_memory(
    client: OpenAI, status: EngineStatus, tmp_path: Path
) -> None:
    assert status.pid is not None
    size = 64 * MEGABYTE
    path = tmp_path / "large.jsonl"
    path.write_bytes(b'{"x": 1}' * (size // 8))
    client.files.create(file=("small", b"x" * MEGABYTE), purpose="user_data")  # lazy imports
    Path(f"/proc/{status.pid}/clear_refs").write_text("5")
    before = peak_memory(status.pid)
    with path.open("rb") as rows:
        single_upload = client.files.create(file=rows, purpose="user_data")
    in_parts = client.uploads.upload_file_chunked(
        file=path, mime_type="text/jsonl", purpose="user_data", part_size=32 * MEGABYTE
    ).file
    assert in_parts is not None
    for file in (single_upload, in_parts):
        assert file.bytes == size
        with client.files.with_streaming_response.content(file.id) as content:
            assert sum(map(len, content.iter_bytes(MEGABYTE))) == size
        client.files.delete(file.id)
    assert peak_memory(status.pid) - before < 16 * MEGABYTE
