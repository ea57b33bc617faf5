"""Helpers for tests that talk to the engine with OpenAI's client over the Unix socket."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from openai import AsyncOpenAI
from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent

from tui.services.providers.engine_process import ENGINE_URL, socket_client
from tui.settings import Settings

TERMINAL = ("succeeded", "failed", "cancelled")


def connect(settings: Settings) -> AsyncOpenAI:
    """OpenAI's client, connected to the engine's socket."""
    return AsyncOpenAI(
        base_url=f"{ENGINE_URL}/v1",
        api_key="none",
        http_client=socket_client(settings.socket),
        max_retries=0,
    )


async def upload(client: AsyncOpenAI, path: Path) -> str:
    with path.open("rb") as handle:
        file = await client.files.create(file=handle, purpose="fine-tune")
    return file.id


async def start_job(
    client: AsyncOpenAI,
    settings: Settings,
    path: Path,
    *,
    validation: Path | None = None,
    **options: Any,
) -> FineTuningJob:
    """Upload the files and create a job; options that are hyperparameters go into `method`."""
    names = (
        "n_epochs",
        "batch_size",
        "learning_rate",
        "checkpoint_steps",
        "lora",
        "lora_r",
        "beta",
    )
    hyperparameters = {name: options.pop(name) for name in names if name in options}
    method = options.pop("method", "supervised")
    return await client.fine_tuning.jobs.create(
        model=settings.model,
        training_file=await upload(client, path),
        validation_file=await upload(client, validation) if validation else None,
        method={"type": method, method: {"hyperparameters": hyperparameters}},  # type: ignore[typeddict-item, misc]
        **options,
    )


async def until(
    condition: Callable[[], Awaitable[bool]], seconds: float = 600.0, every: float = 0.1
) -> None:
    """Wait until the condition holds; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(every)


async def finished(client: AsyncOpenAI, job_id: str, seconds: float = 600.0) -> FineTuningJob:
    """Wait until a job has ended, and return it."""

    async def has_ended() -> bool:
        return (await client.fine_tuning.jobs.retrieve(job_id)).status in TERMINAL

    await until(has_ended, seconds)
    return await client.fine_tuning.jobs.retrieve(job_id)


async def history(client: AsyncOpenAI, job_id: str) -> list[FineTuningJobEvent]:
    """All events of a job, oldest first, page by page."""
    events = [event async for event in client.fine_tuning.jobs.list_events(job_id, limit=50)]
    return events[::-1]


async def step_figures(client: AsyncOpenAI, job_id: str) -> list[dict[str, float]]:
    """The data of the metrics events, oldest first."""
    return [dict(e.data) for e in await history(client, job_id) if e.type == "metrics"]  # type: ignore[call-overload]


async def at_step(client: AsyncOpenAI, job_id: str, step: int) -> None:
    """Wait until a job has finished a step."""

    async def has_step() -> bool:
        job = await client.fine_tuning.jobs.retrieve(job_id)
        assert job.status not in TERMINAL, f"{job.status}: {job.error}"
        page = await client.fine_tuning.jobs.list_events(job_id, limit=50)
        return any((event.data or {}).get("step", 0) >= step for event in page.data)  # type: ignore[attr-defined]

    await until(has_step, every=0.05)


def write_rows(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
