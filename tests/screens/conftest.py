"""Fixtures for screens: settings with their own home, and apps of a test server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from servers.misbehaving import MisbehavingServer
from support.jobs_screen import fast_app
from support.providers import provider_profile
from support.sample_rows import good_rows

from tui.app import FtuiApp
from tui.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home and a workspace of the test's own."""
    return Settings(home=tmp_path / "home", workspace=tmp_path / ".ftui")


@pytest.fixture
def far_settings(server: MisbehavingServer, settings: Settings) -> Settings:
    """Settings whose provider is the server."""
    far = provider_profile(server.url)
    return settings.model_copy(
        update={"provider": "far", "model": "base", "providers": {"far": far}}
    )


@pytest.fixture
def far_app(far_settings: Settings) -> FtuiApp:
    return fast_app(far_settings)


@pytest.fixture
def app_of() -> Callable[[Settings], FtuiApp]:
    """Makes the app with settings of the test's own."""
    return fast_app


@pytest.fixture
def training(tmp_path: Path) -> Path:
    """A file of good rows."""
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in good_rows(60)))
    return path
