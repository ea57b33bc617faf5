"""kill -9 of the worker, the server or both at many moments does not change a job's result.

Run separately (`pytest -m kills`): every death costs the start of a process.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI
from support.engine.client import finished, history, start_job, step_figures, until, write_rows
from support.engine.own_engine import OwnEngine
from support.sample_rows import good_rows

from tui.engine.home import JobFolder
from tui.settings import Settings

pytestmark = pytest.mark.kills

STEPS = 60
SAME: dict[str, Any] = {"seed": 3, "n_epochs": 5, "batch_size": 1, "checkpoint_steps": 10}
StepMetrics = list[tuple[float, float, float]]
Moment = Callable[[JobFolder], bool]


def loading(folder: JobFolder) -> bool:
    return folder.events.exists() and b"Loading" in folder.events.read_bytes()


def writing_a_checkpoint(folder: JobFolder) -> bool:
    return any(not (part / "complete.json").exists() for part in folder.checkpoints.glob("*"))


def checkpoint_complete_but_perhaps_unreported(folder: JobFolder) -> bool:
    return (folder.checkpoint(20) / "complete.json").exists()


def publishing(folder: JobFolder) -> bool:
    return folder.adapter.with_suffix(".part").exists() or folder.adapter.exists()


def training(folder: JobFolder) -> bool:
    return folder.events.exists() and b'"step":15,' in folder.events.read_bytes()


WORKER = ("worker",)
BOTH = ("worker", "server")
DEATHS: list[tuple[Moment, tuple[str, ...]]] = [
    (loading, WORKER),
    (training, BOTH),
    (writing_a_checkpoint, WORKER),
    (checkpoint_complete_but_perhaps_unreported, WORKER),
    (checkpoint_complete_but_perhaps_unreported, BOTH),
    (publishing, WORKER),
    (publishing, BOTH),
]


@dataclass
class Trial:
    """An engine, the rows it trains on, and the result without any death."""

    engine: OwnEngine
    rows: Path
    expected: StepMetrics
    checkpoints: list[int]

    async def start(self) -> tuple[AsyncOpenAI, str]:
        client = await self.engine.start()
        return client, (await start_job(client, self.engine.settings, self.rows, **SAME)).id

    async def victims(self, job_id: str) -> dict[str, int]:
        """Process ids of the server and of the job's worker, as far as they are running."""
        status = await self.engine.process.status()
        workers = {job.id: job.worker_pid for job in status.jobs}
        pids = {"server": status.pid, "worker": workers.get(job_id)}
        return {name: pid for name, pid in pids.items() if pid is not None}

    async def kill_at(self, moment: Moment, job_id: str, victims: Sequence[str]) -> None:
        """Kill at a moment that may last only milliseconds."""

        async def has_a_worker() -> bool:
            return "worker" in await self.victims(job_id)

        await until(has_a_worker, every=0.05)
        pids = await self.victims(job_id)
        folder = self.engine.home.job(job_id)

        def wait_and_kill() -> None:
            deadline = time.monotonic() + 600
            while not moment(folder):
                assert time.monotonic() < deadline, "the moment never came"
                time.sleep(0.0005)
            for name in victims:
                os.kill(pids[name], signal.SIGKILL)

        await asyncio.to_thread(wait_and_kill)

    async def assert_unchanged(self, job_id: str) -> None:
        """Assert that the job's result is the expected one, and that its model answers."""
        client = await self.engine.start()
        job = await finished(client, job_id)
        assert (job.status, job.error) == ("succeeded", None)
        assert await step_metrics(client, job_id) == self.expected
        assert await checkpoint_steps(client, job_id) == self.checkpoints
        events = await history(client, job_id)
        assert len({event.id for event in events}) == len(events)
        messages = [event.message for event in events]
        for prefix in (
            "Fine-tuning job started",
            "New fine-tuned model",
            "Created fine-tuning job",
        ):
            assert sum(line.startswith(prefix) for line in messages) == 1
        assert job.fine_tuned_model is not None
        answer = await client.chat.completions.create(
            model=job.fine_tuned_model,
            messages=[{"role": "user", "content": "Hello?"}],
            max_tokens=1,
        )
        assert answer.choices[0].message.role == "assistant"


async def step_metrics(client: AsyncOpenAI, job_id: str) -> StepMetrics:
    metrics = await step_figures(client, job_id)
    return [(data["step"], data["train_loss"], data["num_tokens"]) for data in metrics]


async def checkpoint_steps(client: AsyncOpenAI, job_id: str) -> list[int]:
    pages = client.fine_tuning.jobs.checkpoints.list(job_id, limit=3)
    return [checkpoint.step_number async for checkpoint in pages]


@pytest.fixture(scope="module")
def trial(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    folder = tmp_path_factory.mktemp("kills")
    engine = OwnEngine(Settings(home=folder / "home", model=str(tiny_model)))
    trial = Trial(engine, write_rows(folder / "rows.jsonl", good_rows(12)), [], [])
    asyncio.run(train_undisturbed(trial))
    yield trial
    asyncio.run(engine.process.stop())


async def train_undisturbed(trial: Trial) -> None:
    """Train once without any death."""
    client, job_id = await trial.start()
    assert (await finished(client, job_id)).status == "succeeded"
    trial.expected = await step_metrics(client, job_id)
    trial.checkpoints = await checkpoint_steps(client, job_id)
    assert [step for step, _, _ in trial.expected] == list(range(1, STEPS + 1))
    assert trial.checkpoints == list(range(STEPS, 0, -10))


@pytest.mark.parametrize(
    ("moment", "victims"),
    DEATHS,
    ids=[f"{moment.__name__}-{'+'.join(victims)}" for moment, victims in DEATHS],
)
async def test_a_death_at_any_moment_does_not_change_the_result(
    trial: Trial, moment: Moment, victims: tuple[str, ...]
) -> None:
    _, job_id = await trial.start()
    await trial.kill_at(moment, job_id, victims)
    await trial.assert_unchanged(job_id)


@pytest.mark.parametrize("seed", range(2))
async def test_deaths_at_random_moments_do_not_change_the_result(trial: Trial, seed: int) -> None:
    rng = random.Random(seed)
    _, job_id = await trial.start()
    deaths = [WORKER, BOTH, ("server",), ("server",)]  # a third crash in a row would fail the job
    rng.shuffle(deaths)
    for victims in deaths:
        await asyncio.sleep(rng.uniform(0.0, 6.0))
        pids = await trial.victims(job_id)
        for name in victims:
            if name in pids:  # the job may have ended by now
                os.kill(pids[name], signal.SIGKILL)
        await trial.engine.start()
    await trial.assert_unchanged(job_id)


def truncate(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def flip_a_bit(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def complete_steps(folder: JobFolder) -> list[int]:
    manifests = folder.checkpoints.glob("*/complete.json")
    return sorted(int(path.parent.name.rpartition("-")[2]) for path in manifests)


@pytest.mark.parametrize(
    ("name", "damage"),
    [("adapter_model.safetensors", truncate), ("optimizer.pt", flip_a_bit)],
    ids=["truncated adapter", "flipped bit of the optimizer"],
)
async def test_training_resumes_from_an_undamaged_checkpoint(
    trial: Trial, damage: Callable[[Path], None], name: str
) -> None:
    _, job_id = await trial.start()
    folder = trial.engine.home.job(job_id)
    await trial.kill_at(checkpoint_complete_but_perhaps_unreported, job_id, ("worker", "server"))
    *_, undamaged, latest = complete_steps(folder)
    damage(folder.checkpoint(latest) / name)
    await trial.assert_unchanged(job_id)
    client = await trial.engine.start()
    messages = [event.message for event in await history(client, job_id)]
    assert f"Resuming from the checkpoint of step {undamaged}" in messages
