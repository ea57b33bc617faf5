"""Fixtures for services: jobs at a misbehaving server, and a clock set by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from servers.misbehaving import MisbehavingServer
from support.providers import settings_for
from support.watched_jobs import Time

from tui.services.container import Services
from tui.services.jobs.jobs import Jobs


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def services(server: MisbehavingServer, tmp_path: Path) -> AsyncIterator[Services]:
    services = Services(settings_for(tmp_path, server.url))
    yield services
    await services.providers.close()


@pytest.fixture
def jobs(services: Services, time: Time) -> Jobs:
    return Jobs(services.settings, services.workspace, services.providers, time.clock())


@pytest.fixture
def training(tmp_path: Path) -> Path:
    path = tmp_path / "train.jsonl"
    path.write_text('{"messages": []}\n')
    return path
