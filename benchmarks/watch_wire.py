"""Bytes that watching a job sends to a terminal of 120x40, as SSH would have to carry them.

    python benchmarks/watch_wire.py [--seconds 15] [--keys KEYS]

A real server on the engine's socket tells one step a second of a job that validates every ten; the
real app runs in a pseudo-terminal with the job's live view open. Then the server goes on answering
without news. A second job has ended, so that `--keys o,enter,s,left` measures the same with its
curves laid over, stronger smoothing and a cursor. Budgets: 1,500 bytes a second while it moves, 20
with nothing new.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from servers.misbehaving import MisbehavingServer  # noqa: E402
from support.terminal import Terminal  # noqa: E402

from tui.settings import Settings  # noqa: E402

JOB, ENDED = "ftjob-1", "ftjob-0"
BUDGETS = {"moving": 1_500, "nothing new": 20}


async def rate(terminal: Terminal, seconds: float) -> float:
    """Mean bytes a second over that time."""
    before, begin = terminal.received, time.monotonic()
    await asyncio.sleep(seconds)
    return (terminal.received - before) / (time.monotonic() - begin)


def add_step_now(server: MisbehavingServer, step: int, job: str = JOB) -> None:
    """One more step, with what the engine tells of each."""
    valid = {"valid_loss": 3.1 * math.exp(-step / 60) + 0.1} if step % 10 == 0 else {}
    event = server.add_step(
        step,
        job,
        total_steps=300,
        train_loss=3 * math.exp(-step / 60) + 0.05 + 0.1 * math.sin(step),
        epoch=step / 100,
        tokens_per_second=90 + step % 7,
        **valid,
    )
    event["created_at"] = time.time()


@asynccontextmanager
async def app_of_engine(server: MisbehavingServer) -> AsyncIterator[Terminal]:
    """The app in a terminal, with the server in the place of its engine."""
    with tempfile.TemporaryDirectory() as folder:
        socket = Settings(home=Path(folder)).socket
        socket.parent.mkdir(parents=True, exist_ok=True)
        listening = await asyncio.start_unix_server(server.handle, socket)
        terminal = Terminal([sys.executable, "-m", "tui"], Path(folder), {"FTUI_HOME": folder})
        try:
            yield terminal
        finally:
            terminal.hang_up()
            server.hang_up()
            listening.close()
            socket.unlink(missing_ok=True)


async def measure(seconds: float, keys: list[str]) -> dict[str, float]:
    """Bytes a second while the job moves, and with nothing new."""
    server = MisbehavingServer()
    for job, age in ((JOB, 0), (ENDED, 900)):
        created_at = time.time() - age
        server.add_job(job, model="SmolLM2-135M-Instruct", suffix="tickets", created_at=created_at)
        for step in range(1, 101):
            add_step_now(server, step, job)
    server.finish(ENDED)
    async with app_of_engine(server) as terminal:
        return await _measure(server, terminal, seconds, keys)


async def _measure(
    server: MisbehavingServer, terminal: Terminal, seconds: float, keys: list[str]
) -> dict[str, float]:
    async def move() -> None:
        step = 100
        while True:
            await asyncio.sleep(1)
            step += 1
            add_step_now(server, step)

    moving = asyncio.create_task(move())
    for key in ("", "3", "\r"):
        await asyncio.sleep(4)
        terminal.press(key)
    for key in keys:
        await asyncio.sleep(1)
        terminal.press(key)
    await asyncio.sleep(4)
    rates = {"moving": await rate(terminal, seconds)}
    moving.cancel()
    await asyncio.sleep(5)
    return rates | {"nothing new": await rate(terminal, 2 * seconds)}


def print_rates(rates: dict[str, float], budgets: dict[str, int] = BUDGETS) -> None:
    """Print the rates beside their budgets, as one JSON object."""
    report = {
        name: {"bytes_a_second": round(value), "budget": budgets[name]}
        for name, value in rates.items()
    }
    print(json.dumps(report))


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--keys", default="", help="pressed first, with commas between them")
    args = parser.parse_args()
    keys = [key for key in args.keys.split(",") if key]
    rates = asyncio.run(measure(args.seconds, keys))
    print_rates(rates)


if __name__ == "__main__":
    main()
