"""Settings that leave nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home and a workspace of the test's own."""
    return Settings(home=tmp_path / "home", workspace=tmp_path / ".ftui")
