"""`ftui prepare`, as scripts call it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import checked, run

from tui.cli import main
from tui.services.samples import sample_path


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path
