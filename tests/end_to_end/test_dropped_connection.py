"""A connection that drops while a job is watched: the app ends, the job and its history do not."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from servers.misbehaving import MisbehavingServer
from support.terminal import Terminal

pytestmark = pytest.mark.long

STEPS = 300


@contextmanager
def app(folder: Path, server: MisbehavingServer, **environ: str) -> Iterator[Terminal]:
    """The real app with the server in its config file; what is open at the end is hung up."""
    config = folder / "config.toml"
    config.write_text(
        f'provider = "far"\n[providers.far]\nbase_url = "{server.url}"\napi_key_env = "TEST_KEY"\n'
        + environ.pop("config", "")
    )
    own = {"FTUI_HOME": str(folder / "home"), "FTUI_CONFIG": str(config), "TEST_KEY": "sk-test12"}
    terminal = Terminal([sys.executable, "-m", "tui"], folder, own | environ, 80, 24)
    try:
        yield terminal
    finally:
        if terminal.runs:
            terminal.hang_up()


def job_with(server: MisbehavingServer, steps: int) -> None:
    server.add_job(suffix="tickets", created_at=time.time())
    more_steps(server, 1, steps)


def more_steps(server: MisbehavingServer, first: int, last: int) -> None:
    for step in range(first, last + 1):
        server.add_step(step, total_steps=STEPS)["created_at"] = time.time()


async def opened(terminal: Terminal, *words: str) -> None:
    """Open the only job of the list once it is there, and wait for words."""
    await asyncio.to_thread(terminal.wait_for, "Decide")
    terminal.press("3")
    await asyncio.to_thread(terminal.wait_for, "tickets")
    terminal.press("enter")
    for each in words:
        await asyncio.to_thread(terminal.wait_for, each)


def log_of(folder: Path) -> bytes:
    return (folder / ".ftui/jobs/far/ftjob-1/events.jsonl").read_bytes()


def steps_in(log: bytes) -> list[int]:
    """The steps in a log, in its order; every line must be whole."""
    records = [json.loads(line) for line in log.splitlines()]
    return [record["step"] for record in records if record["type"] == "metrics"]


ENDS: dict[str, Callable[[Terminal], int]] = {
    "SIGHUP": lambda terminal: terminal.hang_up(),
    "SIGTERM": lambda terminal: terminal.hang_up(signal.SIGTERM),
    "no signal": lambda terminal: terminal.close(),
}


@pytest.mark.parametrize("way", ENDS)
async def test_the_app_ends_cleanly_and_the_job_goes_on(
    server: MisbehavingServer, tmp_path: Path, way: str
) -> None:
    job_with(server, 100)
    with app(tmp_path, server) as terminal:
        await opened(terminal, "100/300")
        more_steps(server, 101, 150)
        status = await asyncio.to_thread(ENDS[way], terminal)
    assert status == (128 + signal.SIGTERM if way == "SIGTERM" else 128 + signal.SIGHUP)
    assert b"Traceback" not in terminal.sent()
    assert steps_in(log_of(tmp_path))[:100] == list(range(1, 101))
    assert server.jobs["ftjob-1"]["status"] == "running"
    if way == "SIGHUP":
        await the_same_history_is_there_again(server, tmp_path)


async def the_same_history_is_there_again(server: MisbehavingServer, folder: Path) -> None:
    """Opened again the app shows all, and adds what happened meanwhile to what was written."""
    before = log_of(folder)
    more_steps(server, 151, STEPS)
    server.finish()
    with app(folder, server) as again:
        await opened(again, "300/300", "succeeded")
    assert log_of(folder).startswith(before)
    assert steps_in(log_of(folder)) == list(range(1, STEPS + 1))


async def test_an_app_that_was_stopped_is_true_again_at_once(
    server: MisbehavingServer, tmp_path: Path
) -> None:
    job_with(server, 20)
    with app(tmp_path, server) as terminal:
        await opened(terminal, "20/300")
        terminal.press("\x1a")
        await asyncio.to_thread(terminal.wait_for_stop)
        more_steps(server, 21, 90)
        before = terminal.received
        terminal.go_on()
        await asyncio.to_thread(terminal.wait_for, "90/300", 4, before)


async def test_a_job_that_ends_rings_once_and_asks_for_one_notification(
    server: MisbehavingServer, tmp_path: Path
) -> None:
    server.add_job(suffix="t;\u0007x", created_at=time.time())
    more_steps(server, 1, 20)
    config = '[notify]\ndesktop = "osc9"\n'
    with app(tmp_path, server, config=config, TMUX="") as terminal:
        await asyncio.to_thread(terminal.wait_for, "Decide")
        terminal.press("3")
        await asyncio.to_thread(terminal.wait_for, "6%")
        terminal.press("enter")
        await asyncio.to_thread(terminal.wait_for, "20/300")
        before = terminal.received
        server.finish()
        terminal.press("r")
        await asyncio.to_thread(terminal.wait_for, "succeeded", since=before)
        terminal.press("1", "3")
        await asyncio.to_thread(terminal.wait_until_calm)
        sent = terminal.sent(before)
    notification = "\x1b]9;ftui: t,\ufffdx succeeded\a".encode()
    assert sent.count(notification) == 1
    assert sent.replace(notification, b"").count(b"\a") == 1
