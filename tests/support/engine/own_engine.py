"""A separate engine for tests that kill it and inspect what it left."""

from __future__ import annotations

import os
import signal

from openai import AsyncOpenAI
from support.engine.client import connect

from tui.engine.home import Home
from tui.engine.jobs.launcher import LocalLauncher
from tui.services.providers.engine_process import EngineProcess
from tui.settings import Settings


class OwnEngine:
    """A separate engine for tests that kill it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.process = EngineProcess(settings)
        self.home = Home(settings.home)

    async def start(self) -> AsyncOpenAI:
        await self.process.start()
        return connect(self.settings)

    async def kill(self) -> None:
        status = await self.process.status()
        assert status.pid is not None
        os.kill(status.pid, signal.SIGKILL)

    async def worker(self, job_id: str) -> int:
        """The process id of a job's worker."""
        jobs = {job.id: job for job in (await self.process.status()).jobs}
        pid = jobs[job_id].worker_pid
        assert pid is not None
        return pid

    def is_busy(self, job_id: str) -> bool:
        return LocalLauncher().is_busy(self.home.job(job_id))
