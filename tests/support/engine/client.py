"""How the tests of the engine ask it: OpenAI's own client over the Unix socket."""

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
    """OpenAI's client, whose requests go to the engine's socket."""
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
    **more: Any,
) -> FineTuningJob:
    """Upload and create; hyperparameters go into `method`, the rest into the request."""
    names = (
        "n_epochs",
        "batch_size",
        "learning_rate",
        "checkpoint_steps",
        "lora",
        "lora_r",
        "beta",
    )
    hyperparameters = {name: more.pop(name) for name in names if name in more}
    method = more.pop("method", "supervised")
    return await client.fine_tuning.jobs.create(
        model=settings.model,
        training_file=await upload(client, path),
        validation_file=await upload(client, validation) if validation else None,
        method={"type": method, method: {"hyperparameters": hyperparameters}},  # type: ignore[typeddict-item, misc]
        **more,
    )


async def until(
    what: Callable[[], Awaitable[bool]], seconds: float = 60.0, every: float = 0.1
) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not await what():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(every)


async def finished(client: AsyncOpenAI, job_id: str, seconds: float = 90.0) -> FineTuningJob:
    """The job once it is over."""

    async def over() -> bool:
        return (await client.fine_tuning.jobs.retrieve(job_id)).status in TERMINAL

    await until(over, seconds)
    return await client.fine_tuning.jobs.retrieve(job_id)


async def history(client: AsyncOpenAI, job_id: str) -> list[FineTuningJobEvent]:
    """All events of a job, oldest first, page by page."""
    events = [event async for event in client.fine_tuning.jobs.list_events(job_id, limit=50)]
    return events[::-1]


async def step_figures(client: AsyncOpenAI, job_id: str) -> list[dict[str, float]]:
    """The data of the metrics events, in the order in which they came."""
    return [dict(e.data) for e in await history(client, job_id) if e.type == "metrics"]  # type: ignore[call-overload]


async def at_step(client: AsyncOpenAI, job_id: str, step: int) -> None:
    """Wait until a job has done a step."""

    async def there() -> bool:
        job = await client.fine_tuning.jobs.retrieve(job_id)
        assert job.status not in TERMINAL, f"{job.status}: {job.error}"
        page = await client.fine_tuning.jobs.list_events(job_id, limit=50)
        return any((event.data or {}).get("step", 0) >= step for event in page.data)  # type: ignore[attr-defined]

    await until(there, every=0.05)


def write_rows(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
