"""Commands read the person's settings and models; those of this machine are none of a test's."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def nobodys_settings(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """An empty home and no config file, whatever the environment says."""
    home = tmp_path_factory.mktemp("nobody")
    monkeypatch.setenv("FTUI_HOME", str(home))
    monkeypatch.setenv("FTUI_CONFIG", str(home / "config.toml"))
    return home
