"""Bytes that the list of jobs sends to a terminal of 120x40, as SSH would have to carry them.

    python benchmarks/list_wire.py [--seconds 15]

A real server on the engine's socket tells one step a second of each of three jobs that train,
beside twenty that have ended; the real app runs in a pseudo-terminal with the list open. Then the
server goes on answering without news. Budgets: 1,500 bytes a second while they move, 20 with
nothing new.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from servers.misbehaving import MisbehavingServer  # noqa: E402
from support.terminal import Terminal  # noqa: E402
from watch_wire import app_of_engine, print_rates, rate  # noqa: E402

MOVING, ENDED = 3, 20


def add_steps(server: MisbehavingServer, step: int) -> None:
    """One more step of each job that trains."""
    for job in range(MOVING):
        server.add_step(
            step,
            f"ftjob-{job}",
            total_steps=300,
            train_loss=3 * math.exp(-step / 60) + 0.05 + 0.1 * math.sin(step + job),
            **({"valid_loss": 3 * math.exp(-step / 60)} if step % 10 == 0 else {}),
        )["created_at"] = time.time()


def jobs_of(server: MisbehavingServer) -> None:
    """Jobs that train, and before them those that have ended."""
    now, model = time.time(), "SmolLM2-135M-Instruct"
    for job in range(ENDED):
        name = f"ftjob-old{job}"
        server.add_job(name, model=model, suffix=f"run-{job}", created_at=now - 90_000 - job)
        server.finish(name)
    for job in range(MOVING):
        server.add_job(f"ftjob-{job}", model=model, suffix=f"tickets-{job}", created_at=now - job)
    for step in range(1, 101):
        add_steps(server, step)


async def measure(seconds: float) -> dict[str, float]:
    """Bytes a second while the jobs move, and with nothing new."""
    server = MisbehavingServer()
    jobs_of(server)
    async with app_of_engine(server) as terminal:
        return await _measure(server, terminal, seconds)


async def _measure(
    server: MisbehavingServer, terminal: Terminal, seconds: float
) -> dict[str, float]:
    async def move() -> None:
        step = 100
        while True:
            await asyncio.sleep(1)
            step += 1
            add_steps(server, step)

    moving = asyncio.create_task(move())
    await asyncio.to_thread(terminal.wait_for, "Decide")
    terminal.press("3")
    await asyncio.to_thread(terminal.wait_for, f"{MOVING} active")
    await asyncio.sleep(4)
    rates = {"moving": await rate(terminal, seconds)}
    moving.cancel()
    await asyncio.sleep(8)
    return rates | {"nothing new": await rate(terminal, 2 * seconds)}


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=15)
    rates = asyncio.run(measure(parser.parse_args().seconds))
    print_rates(rates)


if __name__ == "__main__":
    main()
