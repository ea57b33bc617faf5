"""Fixtures of the engine's tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from openai import AsyncOpenAI
from support.engine.client import connect, until
from support.engine.own_engine import OwnEngine

from tui.services.providers.engine_process import EngineProcess, EngineStatus
from tui.settings import Settings


@pytest.fixture
async def client(engine_settings: Settings) -> AsyncIterator[AsyncOpenAI]:
    async with connect(engine_settings) as client:
        yield client


@pytest.fixture
async def own_engine(tiny_model: Path, tmp_path: Path) -> AsyncIterator[OwnEngine]:
    engine = OwnEngine(Settings(home=tmp_path / "home", model=str(tiny_model)))
    yield engine
    client = await engine.start()
    async for job in client.fine_tuning.jobs.list():
        if job.status in ("validating_files", "queued", "running"):
            await client.fine_tuning.jobs.cancel(job.id)
            await until(lambda: asyncio.to_thread(lambda: not engine.is_busy(job.id)))  # noqa: B023
    await engine.process.stop()


@pytest.fixture
async def served(tmp_path: Path, free_port: int) -> AsyncIterator[tuple[Settings, EngineStatus]]:
    """An engine that also serves on TCP."""
    settings = Settings(home=tmp_path / "home")
    engine = EngineProcess(settings)
    status = await engine.start(free_port)
    yield settings, status
    await engine.stop()
