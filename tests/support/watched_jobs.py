"""What tests of jobs share: a clock set by hand, and a finished run on a test server."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from pathlib import Path

from servers.misbehaving import MisbehavingServer

from tui.domain.jobs.records import Record
from tui.domain.submission.job_request import JobRequest
from tui.services.clock import Clock
from tui.services.jobs.jobs import Jobs


class Time:
    """A clock set by hand: a sleep advances it and runs the next action of `plan`."""

    def __init__(self) -> None:
        self.at = 1_700_000_000.0
        self.pauses: list[float] = []
        self.plan: list[Callable[[], object]] = []

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.at += seconds
        if self.plan:
            self.plan.pop(0)()
        await asyncio.sleep(0)

    def clock(self) -> Clock:
        return Clock(now=lambda: self.at, sleep=self.sleep, random=lambda: 1.0, nap=math.inf)


def request(path: Path, **fields: object) -> JobRequest:
    return JobRequest.model_validate(
        {"training_file": path, "model": "base", "provider": "far", **fields}
    )


async def watch_to_end(jobs: Jobs, job: str = "ftjob-1") -> list[Record]:
    """The records of a job, watched until it has ended."""
    return [record async for record in jobs.watch("far", job)]


async def follow_to_first_records(jobs: Jobs) -> None:
    """Follow a job until its first records are logged."""
    async for update in jobs.follow("far", "ftjob-1"):
        if update.records:
            break


def steps(records: list[Record]) -> list[int]:
    return [record["step"] for record in records if record["type"] == "metrics"]


def a_run(server: MisbehavingServer, count: int = 5) -> None:
    server.add_job()
    for step in range(1, count + 1):
        server.add_step(step)
    server.finish()
