"""A full disk pauses jobs without loss; a read-only one prevents the start with a plain message."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import openai
import pytest
from support.engine.client import at_step, finished, history, start_job, step_figures, until, upload
from support.engine.small_disk import SmallDisk, can_mount, serve_command

from tui.engine.jobs.failures import DISK_FULL
from tui.engine.jobs.launcher import LocalLauncher
from tui.settings import Settings

pytestmark = pytest.mark.skipif(
    not can_mount(), reason="unprivileged mounts are not allowed on this machine"
)


@pytest.fixture
def settings(tiny_model: Path, tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", model=str(tiny_model))


@pytest.fixture
async def disk(settings: Settings, tmp_path: Path) -> AsyncIterator[SmallDisk]:
    disk = SmallDisk(settings, tmp_path / "log", megabytes=40)
    yield disk
    await disk.end()


@pytest.mark.long
async def test_a_full_disk_pauses_a_job_which_can_be_resumed_once_there_is_space(
    disk: SmallDisk, settings: Settings, chat_file: Callable[..., Path]
) -> None:
    client = await disk.client()
    same: dict[str, Any] = {"seed": 3, "n_epochs": 8, "batch_size": 1, "checkpoint_steps": 10}
    job = await start_job(client, settings, chat_file(), **same)
    await at_step(client, job.id, 12)
    disk.fill()
    with pytest.raises(openai.InternalServerError) as error:
        await upload(client, chat_file())
    assert (error.value.status_code, error.value.code) == (507, "no_space")
    await until(lambda: asyncio.to_thread(lambda: not LocalLauncher().is_busy(disk.job(job.id))))
    disk.free()

    async def is_paused() -> bool:
        return (await client.fine_tuning.jobs.retrieve(job.id)).status == "paused"  # type: ignore[comparison-overlap]

    await until(is_paused)
    messages = [event.message for event in await history(client, job.id)]
    assert messages[-1] == DISK_FULL
    await client.fine_tuning.jobs.resume(job.id)
    assert (await finished(client, job.id)).status == "succeeded"
    steps = [data["step"] for data in await step_figures(client, job.id)]
    assert steps == list(range(1, 97))
    assert await upload(client, chat_file())


def test_a_read_only_home_is_reported_in_one_line(settings: Settings) -> None:
    settings.socket.parent.mkdir(mode=0o700, exist_ok=True)
    process = subprocess.run(
        serve_command(settings, "ro"), capture_output=True, text=True, timeout=300, check=False
    )
    assert (process.returncode, process.stderr.count("\n")) == (2, 1)
    assert "cannot be written: the disk is read-only" in process.stderr
