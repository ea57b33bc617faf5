"""The processes that check a file never outlive their parent."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import tui.services.checking.dataset_check as dataset_check
from tui.services.checking.workers import workers
from tui.services.datasets.datasets import Datasets
from tui.services.errors import FileError
from tui.services.samples import sample_path

GOOD = sample_path("tickets_train.jsonl").read_bytes()
PATIENCE = 20.0


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether the condition holds in time."""
    until = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def spin() -> None:
    while True:
        pass


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def test_leaving_the_block_ends_running_tasks() -> None:
    before = set(multiprocessing.active_children())
    with workers(large=True) as pool:
        pid = pool.submit(os.getpid).result()
        for _ in range(8):
            pool.submit(spin)
        assert alive(pid)
    assert eventually(lambda: not alive(pid))
    assert eventually(lambda: not set(multiprocessing.active_children()) - before)


SCRIPT = """
import os, time
from tui.services.checking.workers import workers
if __name__ == "__main__":
    with workers(large=True) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        pool.submit(time.sleep, 600)
        time.sleep(600)
"""


def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(SCRIPT)
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        assert alive(pid)
        parent.kill()
    assert eventually(lambda: not alive(pid))


@pytest.fixture
def in_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_check, "SMALL", 1 << 16)
    monkeypatch.setattr(dataset_check, "_CHUNK", 1 << 18)


@pytest.mark.usefixtures("in_processes")
async def test_a_check_can_be_cancelled_and_started_again(tmp_path: Path) -> None:
    before = set(multiprocessing.active_children())
    path = tmp_path / "f.jsonl"
    path.write_bytes(GOOD * 100)
    dataset = await Datasets().open(path)
    started = asyncio.Event()

    async def check() -> None:
        async for progress in dataset.check():
            if progress.label == "checking structure":
                started.set()

    task = asyncio.create_task(check())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert dataset.report is None
    assert eventually(lambda: not set(multiprocessing.active_children()) - before)


@pytest.mark.usefixtures("in_processes")
async def test_a_killed_worker_is_reported_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    path.write_bytes(GOOD * 100)
    dataset = await Datasets().open(path)
    before = set(multiprocessing.active_children())

    async def check() -> None:
        async for progress in dataset.check():
            if progress.label == "checking structure":
                for child in set(multiprocessing.active_children()) - before:
                    child.kill()

    with pytest.raises(FileError, match="was killed"):
        await check()
