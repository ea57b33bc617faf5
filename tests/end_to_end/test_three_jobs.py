"""Three jobs at two providers are watched at once, and nothing is lost when the app is killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from openai import AsyncOpenAI
from support.engine.client import finished, start_job, until
from support.sample_rows import good_rows
from support.terminal import Terminal

from tui.services.providers.clients import engine_client
from tui.services.providers.engine_process import EngineProcess
from tui.settings import Settings

ROWS, EPOCHS = 12, 50
STEPS = ROWS * EPOCHS


class Machine:
    """A machine with its own engine."""

    def __init__(self, home: Path, model: Path, **options: int) -> None:
        self.settings = Settings(home=home, model=str(model), **options)
        self.engine = EngineProcess(self.settings)
        self.client = engine_client(self.settings.socket)

    async def start(self, port: int | None = None) -> None:
        self.status = await self.engine.start(port)

    async def train(self, rows: Path) -> str:
        """Start a job as another program would; returns its id."""
        job = await start_job(
            self.client,
            self.settings,
            rows,
            n_epochs=EPOCHS,
            batch_size=1,
            checkpoint_steps=STEPS,
        )
        return job.id


@pytest.fixture
async def local_machine(tmp_path: Path, tiny_model: Path) -> AsyncIterator[Machine]:
    machine = Machine(tmp_path / "here", tiny_model, max_running=2)
    await machine.start()
    yield machine
    await machine.engine.stop()


@pytest.fixture
async def remote_machine(
    tmp_path: Path, tiny_model: Path, free_port: int
) -> AsyncIterator[Machine]:
    machine = Machine(tmp_path / "far", tiny_model)
    await machine.start(free_port)
    yield machine
    await machine.engine.stop()


def open_app(folder: Path, local: Machine, remote: Machine) -> Terminal:
    """Open the app in a terminal, with `remote` as the provider `box`."""
    assert remote.status.url is not None
    assert remote.status.token_file is not None
    config = folder / "config.toml"
    config.write_text(
        f'[providers.box]\nbase_url = "{remote.status.url}"\napi_key_env = "BOX_KEY"\n'
    )
    environ = {
        "FTUI_HOME": str(local.settings.home),
        "FTUI_CONFIG": str(config),
        "BOX_KEY": Path(remote.status.token_file).read_text().strip(),
    }
    return Terminal([sys.executable, "-m", "tui"], folder, environ)


def steps_in(folder: Path, provider: str, job: str) -> list[int]:
    """The steps in a job's log, in order."""
    path = folder / ".ftui/jobs" / provider / job / "events.jsonl"
    records = [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []
    return [record["step"] for record in records if record["type"] == "metrics"]


async def wait_for(terminal: Terminal, text: str, since: int = 0) -> None:
    await asyncio.to_thread(terminal.wait_for, text, since=since)


@pytest.mark.kills
async def test_jobs_at_two_providers_are_watched_at_once_and_outlive_the_app(
    local_machine: Machine, remote_machine: Machine, tmp_path: Path, chat_file: Callable[..., Path]
) -> None:
    rows = chat_file(good_rows(ROWS))
    machines = [("local", local_machine), ("local", local_machine), ("box", remote_machine)]
    jobs = {(name, await machine.train(rows)): machine.client for name, machine in machines}
    app = open_app(tmp_path, local_machine, remote_machine)
    await wait_for(app, "Decide")
    app.press("3")
    await wait_for(app, "3 jobs, 3 active")
    for _, job in jobs:
        await wait_for(app, job[:15])

    async def all_jobs_have_steps() -> bool:
        app.press("r")
        return all(steps_in(tmp_path, *job) for job in jobs)

    await until(all_jobs_have_steps, every=1.0)
    assert [await status_of(client, job[1]) for job, client in jobs.items()] == ["running"] * 3
    os.kill(app.pid, signal.SIGKILL)
    assert app.wait_for_end() == -signal.SIGKILL
    before = {job: steps_in(tmp_path, *job) for job in jobs}
    for steps in before.values():
        assert steps == list(range(1, len(steps) + 1))

    for job, client in jobs.items():
        assert (await finished(client, job[1])).status == "succeeded"
    app = open_app(tmp_path, local_machine, remote_machine)
    await wait_for(app, "Decide")
    app.press("3")
    await wait_for(app, "3 jobs, none active")
    for down in range(len(jobs)):
        since = app.received
        app.press("g", *["down"] * down, "enter")
        await wait_for(app, f"step {STEPS}/{STEPS}", since)
        app.press("escape")
        await asyncio.to_thread(app.wait_until_calm)
    app.press("q")
    assert app.wait_for_end() == 0
    for job in jobs:
        assert steps_in(tmp_path, *job) == list(range(1, STEPS + 1))
        assert len(before[job]) < STEPS


async def status_of(client: AsyncOpenAI, job: str) -> str:
    return (await client.fine_tuning.jobs.retrieve(job)).status
