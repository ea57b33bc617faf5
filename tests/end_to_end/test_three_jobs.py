"""Three jobs at two providers are watched at once; the app is killed and opened again, no loss."""

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


class Place:
    """A machine with an engine of its own."""

    def __init__(self, home: Path, model: Path, **more: int) -> None:
        self.settings = Settings(home=home, model=str(model), **more)
        self.engine = EngineProcess(self.settings)
        self.client = engine_client(self.settings.socket)

    async def start(self, port: int | None = None) -> None:
        self.status = await self.engine.start(port)

    async def train(self, rows: Path) -> str:
        """Start a job as another program would; gives its id."""
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
async def here(tmp_path: Path, tiny_model: Path) -> AsyncIterator[Place]:
    place = Place(tmp_path / "here", tiny_model, max_running=2)
    await place.start()
    yield place
    await place.engine.stop()


@pytest.fixture
async def far(tmp_path: Path, tiny_model: Path, free_port: int) -> AsyncIterator[Place]:
    place = Place(tmp_path / "far", tiny_model)
    await place.start(free_port)
    yield place
    await place.engine.stop()


def open_app(folder: Path, here: Place, far: Place) -> Terminal:
    """The app on a terminal: `here` is its own engine, `box` the other one by its address."""
    assert far.status.url is not None
    assert far.status.token_file is not None
    config = folder / "config.toml"
    config.write_text(f'[providers.box]\nbase_url = "{far.status.url}"\napi_key_env = "BOX_KEY"\n')
    environ = {
        "FTUI_HOME": str(here.settings.home),
        "FTUI_CONFIG": str(config),
        "BOX_KEY": Path(far.status.token_file).read_text().strip(),
    }
    return Terminal([sys.executable, "-m", "tui"], folder, environ)


def steps_in(folder: Path, provider: str, job: str) -> list[int]:
    """The steps in a job's log, in its order."""
    path = folder / ".ftui/jobs" / provider / job / "events.jsonl"
    records = [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []
    return [record["step"] for record in records if record["type"] == "metrics"]


async def to_come(terminal: Terminal, words: str, since: int = 0) -> None:
    await asyncio.to_thread(terminal.wait_for, words, 60, since)


@pytest.mark.kills
async def test_jobs_at_two_providers_are_watched_at_once_and_outlive_the_app(
    here: Place, far: Place, tmp_path: Path, chat_file: Callable[..., Path]
) -> None:
    rows = chat_file(good_rows(ROWS))
    places = [("local", here), ("local", here), ("box", far)]
    jobs = {(name, await place.train(rows)): place.client for name, place in places}
    app = open_app(tmp_path, here, far)
    await to_come(app, "Decide")
    app.press("3")
    await to_come(app, "3 jobs, 3 not ended")
    for _, job in jobs:
        await to_come(app, job[:15])

    async def all_are_seen_to_train() -> bool:
        app.press("r")
        return all(steps_in(tmp_path, *job) for job in jobs)

    await until(all_are_seen_to_train, every=1.0)
    assert [await status_of(client, job[1]) for job, client in jobs.items()] == ["running"] * 3
    os.kill(app.pid, signal.SIGKILL)
    assert app.wait_for_end() == -signal.SIGKILL
    before = {job: steps_in(tmp_path, *job) for job in jobs}
    for seen in before.values():
        assert seen == list(range(1, len(seen) + 1))

    for job, client in jobs.items():
        assert (await finished(client, job[1])).status == "succeeded"
    again = open_app(tmp_path, here, far)
    await to_come(again, "Decide")
    again.press("3")
    await to_come(again, "3 jobs, all ended")
    for down in range(len(jobs)):
        since = again.received
        again.press("g", *["down"] * down, "enter")
        await to_come(again, f"step {STEPS}/{STEPS}", since)
        again.press("escape")
        await asyncio.to_thread(again.wait_until_calm)
    again.press("q")
    assert again.wait_for_end() == 0
    for job in jobs:
        assert steps_in(tmp_path, *job) == list(range(1, STEPS + 1))
        assert len(before[job]) < STEPS


async def status_of(client: AsyncOpenAI, job: str) -> str:
    return (await client.fine_tuning.jobs.retrieve(job)).status
