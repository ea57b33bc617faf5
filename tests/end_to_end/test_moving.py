"""The script of docs/engine.md runs unchanged, with OpenAI's client alone."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tui.domain.providers.model_names import DEFAULT_MODEL
from tui.services.providers.engine_process import EngineProcess
from tui.settings import Settings

ROOT = Path(__file__).parents[2]


@pytest.mark.long
async def test_the_script_of_the_engine_page_trains_lists_checkpoints_and_chats(
    tiny_model: Path, tmp_path: Path, free_port: int
) -> None:
    (script,) = re.findall(
        r"^```python\n(.*?)^```", (ROOT / "docs" / "engine.md").read_text(), re.M | re.S
    )
    settings = Settings(home=tmp_path / "home")
    # A tiny model in place of the real one.
    shutil.copytree(tiny_model, settings.home / "models" / DEFAULT_MODEL)
    engine = EngineProcess(settings)
    status = await engine.start(free_port)
    assert status.url is not None
    assert status.token_file is not None
    environment = {
        "OPENAI_BASE_URL": status.url,
        "OPENAI_API_KEY": Path(status.token_file).read_text().strip(),
    }
    result = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    await engine.stop()
    assert result.returncode == 0, result.stderr
    names = re.findall(r"^(ft:SmolLM2-135M-Instruct:tickets:\S+) \d+\.\d+$", result.stdout, re.M)
    assert len(names) == 10
    assert [int(name.rpartition("-")[2]) for name in names] == list(range(90, 0, -9))
