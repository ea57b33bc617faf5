"""A long run against a short one: opening its log, following it, taking a view, memory.

    python benchmarks/long_run.py [--points 100000]

A real server tells a run of that many metric events; the log is written as a watch writes it.
Opening is told as a multiple of one `orjson.loads` pass over the same lines (budget: 15), with the
longest time that the event loop was kept from other work; a further poll against one of a run of
100 points (budget: 1.5; the server lists in the same process); the memory as what stays allocated
(budget: 250 bytes a point).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from statistics import median

import orjson

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from servers.misbehaving import MisbehavingServer, misbehaving_server  # noqa: E402

from tui.domain.jobs.records import event_record, status_record  # noqa: E402
from tui.services.clock import Clock  # noqa: E402
from tui.services.container import Services  # noqa: E402
from tui.services.jobs.jobs import Jobs  # noqa: E402
from tui.services.watching.watch import JobUpdate  # noqa: E402
from tui.services.workspace.job_log import JobLog  # noqa: E402
from tui.settings import ProviderProfile, Settings  # noqa: E402

SHORT = 100
POLLS = 30
JOB = "ftjob-1"


class NoWaiting:
    """A clock whose pauses pass at once."""

    def __init__(self) -> None:
        self.at = time.time()

    async def sleep(self, seconds: float) -> None:
        """Move on."""
        self.at += seconds

    def clock(self) -> Clock:
        """As the jobs take it."""
        return Clock(now=lambda: self.at, sleep=self.sleep, nap=math.inf)


def add_step(server: MisbehavingServer, step: int) -> None:
    """One more step, with what the engine tells of each."""
    server.add_step(
        step,
        total_steps=10**6,
        train_loss=3 * math.exp(-step / 20_000) + 0.1 * math.sin(step),
        train_mean_token_accuracy=0.5,
        learning_rate=1e-4,
        grad_norm=1.5,
        num_tokens=100 * step,
        tokens_per_second=92.5,
        epoch=step / 1000,
    )


async def record(services: Services, server: MisbehavingServer, points: int) -> Path:
    """A log of that many points, as a watch writes it."""
    server.add_job()
    for step in range(1, points + 1):
        add_step(server, step)
    log = JobLog(services.workspace, "far", JOB)
    now = time.time()
    await log.append([status_record(server.jobs[JOB], "far", now)])
    await log.append([event_record(event, now) for event in server.events[JOB]])
    (path,) = services.workspace.root.rglob("events.jsonl")
    return path


async def longest_stall(stop: asyncio.Event) -> float:
    """The longest that a sleep of a millisecond took too long, in seconds."""
    worst = 0.0
    while not stop.is_set():
        begin = time.perf_counter()
        await asyncio.sleep(0.001)
        worst = max(worst, time.perf_counter() - begin - 0.001)
    return worst


async def opened(services: Services) -> tuple[float, float]:
    """Seconds until the log is folded into a view, and the longest stall."""
    stop = asyncio.Event()
    stall = asyncio.create_task(longest_stall(stop))
    await asyncio.sleep(0.01)
    begin = time.perf_counter()
    view = await services.jobs.recorded_view("far", JOB)
    seconds = time.perf_counter() - begin
    stop.set()
    assert view.train
    return seconds, await stall


async def followed(jobs: Jobs, server: MisbehavingServer, points: int) -> dict[str, float]:
    """Milliseconds of a further poll with one new step and of a view; bytes a point that stay."""
    tracemalloc.start()
    updates = jobs.follow("far", JOB)
    update = await anext(updates)
    while update.connection.updated_at is None:
        update = await anext(updates)
    current_bytes, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    times = []
    for step in range(points + 1, points + 1 + POLLS):
        add_step(server, step)
        times.append(await _timed(updates.__anext__))
    await updates.aclose()
    return {
        "poll_ms": median(times) * 1000,
        "kept_bytes_a_point": current_bytes / points,
        "peak_bytes_a_point": peak / points,
    }


async def _timed(get_update: Callable[[], object]) -> float:
    begin = time.perf_counter()
    update = await get_update()  # type: ignore[misc]
    assert isinstance(update, JobUpdate)
    assert len(update.records) == 1
    return time.perf_counter() - begin


def one_pass(path: Path) -> float:
    """Seconds of parsing every line once."""
    lines = path.read_bytes().split(b"\n")[:-1]
    begin = time.perf_counter()
    for line in lines:
        orjson.loads(line)
    return time.perf_counter() - begin


async def measure(points: int) -> dict[str, float]:
    """All figures of a run of that many points."""
    os.environ["BENCHMARK_KEY"] = "sk-benchmark"
    with tempfile.TemporaryDirectory() as folder:
        async with misbehaving_server() as server:
            profile = ProviderProfile(base_url=server.url, api_key_env="BENCHMARK_KEY")
            home = Path(folder)
            services = Services(
                Settings(
                    home=home, workspace=home / "w", provider="far", providers={"far": profile}
                )
            )
            path = await record(services, server, points)
            seconds, stall = await opened(services)
            reference = one_pass(path)
            jobs = Jobs(
                services.settings, services.workspace, services.providers, NoWaiting().clock()
            )
            figures = await followed(jobs, server, points)
            await services.providers.close()
    return {
        "open_s": seconds,
        "open_against_orjson": seconds / reference,
        "longest_stall_ms": stall * 1000,
        **figures,
    }


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--points", type=int, default=100_000)
    points = parser.parse_args().points
    short, long = asyncio.run(measure(SHORT)), asyncio.run(measure(points))
    report = {
        "points": points,
        "open_s": round(long["open_s"], 2),
        "open_against_orjson": round(long["open_against_orjson"], 1),
        "longest_stall_ms": round(long["longest_stall_ms"], 1),
        "poll_ms": round(long["poll_ms"], 2),
        f"poll_against_{SHORT}_points": round(long["poll_ms"] / short["poll_ms"], 2),
        "kept_bytes_a_point": round(long["kept_bytes_a_point"]),
        "peak_bytes_a_point": round(long["peak_bytes_a_point"]),
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
