"""Recovery: workers and servers are killed, jobs paused, cancelled and resumed."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.engine.client import (
    at_step,
    finished,
    history,
    start_job,
    step_figures,
    until,
)
from support.engine.own_engine import OwnEngine
from support.sample_rows import good_rows

ChatFile = Callable[..., Path]
LONG: dict[str, Any] = {"n_epochs": 50, "batch_size": 1, "checkpoint_steps": 20}


@pytest.mark.kills
async def test_a_job_survives_the_death_of_its_worker_and_of_the_server_with_the_same_losses(
    own_engine: OwnEngine, chat_file: ChatFile
) -> None:
    client = await own_engine.start()
    same: dict[str, Any] = {"seed": 3, "n_epochs": 20, "batch_size": 1, "checkpoint_steps": 20}
    undisturbed = await start_job(client, own_engine.settings, chat_file(), **same)
    await finished(client, undisturbed.id)

    disturbed = await start_job(client, own_engine.settings, chat_file(), **same)
    await at_step(client, disturbed.id, 25)
    os.kill(await own_engine.worker(disturbed.id), signal.SIGKILL)

    async def has_resumed() -> bool:
        events = await history(client, disturbed.id)
        return any(event.message.startswith("Resuming from") for event in events)

    await until(has_resumed, every=0.05)
    assert own_engine.is_busy(disturbed.id)
    await own_engine.kill()
    await asyncio.sleep(0.5)
    assert not (await own_engine.process.status()).running
    folder = own_engine.home.job(disturbed.id)
    assert own_engine.is_busy(disturbed.id) or folder.adapter.exists()

    client = await own_engine.start()
    ended = await finished(client, disturbed.id)
    assert (ended.status, ended.error) == ("succeeded", None)
    figures, expected = (
        [(data["step"], data["train_loss"], data["num_tokens"]) for data in metrics]
        for metrics in (
            await step_figures(client, disturbed.id),
            await step_figures(client, undisturbed.id),
        )
    )
    assert figures == expected
    assert [step for step, _, _ in figures] == list(range(1, 241))
    messages = [event.message for event in await history(client, disturbed.id)]
    assert sum("ended unexpectedly" in line for line in messages) == 1
    assert sum(line.startswith("Resuming from the checkpoint of step ") for line in messages) == 1
    checkpoints = [line for line in messages if line.startswith("Checkpoint created")]
    assert checkpoints == [f"Checkpoint created at step {step}" for step in range(20, 241, 20)]


@pytest.mark.kills
async def test_a_cancelled_job_stops_and_a_job_that_keeps_crashing_fails_with_its_log(
    own_engine: OwnEngine, chat_file: ChatFile
) -> None:
    client = await own_engine.start()
    first = await start_job(client, own_engine.settings, chat_file(), **LONG)

    async def first_is_checked() -> bool:
        return (await client.fine_tuning.jobs.retrieve(first.id)).status != "validating_files"

    await until(first_is_checked)  # jobs train in the order in which their files were validated
    second = await start_job(client, own_engine.settings, chat_file(), **LONG)
    third = await start_job(client, own_engine.settings, chat_file(), **LONG)
    await at_step(client, first.id, 21)
    assert (await client.fine_tuning.jobs.retrieve(second.id)).status == "queued"
    assert (await client.fine_tuning.jobs.retrieve(first.id)).estimated_finish is not None
    cancelled = await client.fine_tuning.jobs.cancel(third.id)
    assert cancelled.status == "cancelled"

    own_engine.home.job(second.id).spec.write_text("not a job")
    cancelled = await client.fine_tuning.jobs.cancel(first.id)
    assert cancelled.status == "cancelled"
    assert cancelled.finished_at is not None
    await until(lambda: asyncio.to_thread(lambda: not own_engine.is_busy(first.id)), 12)
    steps = len(await step_figures(client, first.id))
    assert steps < 600

    failed = await finished(client, second.id)
    assert failed.status == "failed"
    assert failed.error is not None
    assert failed.error.code == "worker_crashed"
    assert "3 times in a row" in failed.error.message
    assert "Invalid JSON" in failed.error.message

    checkpoint = (await client.fine_tuning.jobs.checkpoints.list(first.id)).data[-1]
    answer = await client.chat.completions.create(
        model=checkpoint.fine_tuned_model_checkpoint,
        messages=[{"role": "user", "content": "Hello?"}],
        max_tokens=2,
    )
    assert answer.choices[0].message.role == "assistant"


@pytest.mark.long
async def test_stopping_the_engine_with_pause_pauses_every_job(
    own_engine: OwnEngine, chat_file: ChatFile
) -> None:
    client = await own_engine.start()
    first = await start_job(client, own_engine.settings, chat_file(good_rows(60)), **LONG)
    await at_step(client, first.id, 2)
    second = await start_job(client, own_engine.settings, chat_file(), **LONG)

    async def second_is_queued() -> bool:
        return (await client.fine_tuning.jobs.retrieve(second.id)).status == "queued"

    await until(second_is_queued, every=0.02)
    status = await own_engine.process.status()
    reported = {job.id: job for job in status.jobs}[first.id]
    assert (reported.memory or 0) > (status.memory or 0) > 1e7
    assert re.fullmatch("(cpu|cuda|mps) in (bf16|fp32)", reported.trains_on or "")
    assert set(status.model_dump()["jobs"][0]) == {"id", "status", "worker_pid"}
    assert await own_engine.process.stop(pause=True)
    assert not own_engine.is_busy(first.id)
    client = await own_engine.start()
    jobs = [await client.fine_tuning.jobs.retrieve(job.id) for job in (first, second)]
    assert [job.status for job in jobs] == ["paused", "paused"]
    assert all(job.fine_tuned_model is None for job in jobs)


@pytest.mark.long
async def test_a_paused_job_frees_the_machine_and_resumes_at_the_same_step(
    own_engine: OwnEngine, chat_file: ChatFile
) -> None:
    client = await own_engine.start()
    job = await start_job(
        client,
        own_engine.settings,
        chat_file(good_rows(30)),
        n_epochs=8,
        batch_size=1,
        checkpoint_steps=200,
    )
    await at_step(client, job.id, 5)
    await client.fine_tuning.jobs.pause(job.id)

    async def paused() -> bool:
        return (await client.fine_tuning.jobs.retrieve(job.id)).status == "paused"  # type: ignore[comparison-overlap]

    await until(paused)
    await until(lambda: asyncio.to_thread(lambda: not own_engine.is_busy(job.id)))
    stopped_at = len(await step_figures(client, job.id))
    assert 5 <= stopped_at < 240
    await client.fine_tuning.jobs.resume(job.id)
    ended = await finished(client, job.id)
    assert ended.status == "succeeded"
    assert [data["step"] for data in await step_figures(client, job.id)] == list(range(1, 241))
    messages = [event.message for event in await history(client, job.id)]
    assert f"Resuming from the checkpoint of step {stopped_at}" in messages
