"""A connection drops while a job is watched: the app ends, the job and its history survive."""

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
def app(folder: Path, server: MisbehavingServer, **environment: str) -> Iterator[Terminal]:
    """The real app with the server in its config file; closed at the end if still open."""
    config = folder / "config.toml"
    config.write_text(
        f'provider = "far"\n[providers.far]\nbase_url = "{server.url}"\napi_key_env = "TEST_KEY"\n'
        + environment.pop("config", "")
    )
    defaults = {
        "FTUI_HOME": str(folder / "home"),
        "FTUI_CONFIG": str(config),
        "TEST_KEY": "sk-test12",
    }
    terminal = Terminal([sys.executable, "-m", "tui"], folder, defaults | environment, 80, 24)
    try:
        yield terminal
    finally:
        if terminal.runs:
            terminal.hang_up()


def add_job(server: MisbehavingServer, steps: int) -> None:
    server.add_job(suffix="tickets", created_at=time.time())
    add_steps(server, 1, steps)


def add_steps(server: MisbehavingServer, first: int, last: int) -> None:
    for step in range(first, last + 1):
        server.add_step(step, total_steps=STEPS)["created_at"] = time.time()


async def open_job(terminal: Terminal, *texts: str) -> None:
    """Open the only job of the list once it is shown, and wait for texts."""
    await asyncio.to_thread(terminal.wait_for, "Decide")
    terminal.press("3")
    await asyncio.to_thread(terminal.wait_for, "tickets")
    terminal.press("enter")
    for text in texts:
        await asyncio.to_thread(terminal.wait_for, text)


def read_log(folder: Path) -> bytes:
    return (folder / ".ftui/jobs/far/ftjob-1/events.jsonl").read_bytes()


def steps_in(log: bytes) -> list[int]:
    """The steps in a log, in order; every line must be complete."""
    records = [json.loads(line) for line in log.splitlines()]
    return [record["step"] for record in records if record["type"] == "metrics"]


ENDS: dict[str, Callable[[Terminal], int]] = {
    "SIGHUP": lambda terminal: terminal.hang_up(),
    "SIGTERM": lambda terminal: terminal.hang_up(signal.SIGTERM),
    "no signal": lambda terminal: terminal.close(),
}


@pytest.mark.parametrize("ending", ENDS)
async def test_the_app_ends_cleanly_and_the_job_continues(
    server: MisbehavingServer, tmp_path: Path, ending: str
) -> None:
    add_job(server, 100)
    with app(tmp_path, server) as terminal:
        await open_job(terminal, "100/300")
        add_steps(server, 101, 150)
        status = await asyncio.to_thread(ENDS[ending], terminal)
    assert status == (128 + signal.SIGTERM if ending == "SIGTERM" else 128 + signal.SIGHUP)
    assert b"Traceback" not in terminal.output()
    assert steps_in(read_log(tmp_path))[:100] == list(range(1, 101))
    assert server.jobs["ftjob-1"]["status"] == "running"
    if ending == "SIGHUP":
        await assert_history_continues(server, tmp_path)


async def assert_history_continues(server: MisbehavingServer, folder: Path) -> None:
    """The reopened app shows the whole history, and appends what happened meanwhile to the log."""
    before = read_log(folder)
    add_steps(server, 151, STEPS)
    server.finish()
    with app(folder, server) as reopened:
        await open_job(reopened, "300/300", "succeeded")
    assert read_log(folder).startswith(before)
    assert steps_in(read_log(folder)) == list(range(1, STEPS + 1))


async def test_a_resumed_app_shows_the_current_state(
    server: MisbehavingServer, tmp_path: Path
) -> None:
    add_job(server, 20)
    with app(tmp_path, server) as terminal:
        await open_job(terminal, "20/300")
        terminal.press("\x1a")
        await asyncio.to_thread(terminal.wait_for_stop)
        add_steps(server, 21, 90)
        before = terminal.received
        terminal.go_on()
        await asyncio.to_thread(terminal.wait_for, "90/300", since=before)


async def test_a_job_that_ends_rings_the_bell_once_and_sends_one_notification(
    server: MisbehavingServer, tmp_path: Path
) -> None:
    server.add_job(suffix="t;\u0007x", created_at=time.time())
    add_steps(server, 1, 20)
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
        output = terminal.output(before)
    notification = "\x1b]9;ftui: t,\ufffdx succeeded\a".encode()
    assert output.count(notification) == 1
    assert output.replace(notification, b"").count(b"\a") == 1
