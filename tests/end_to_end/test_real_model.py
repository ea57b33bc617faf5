"""The whole loop with the real default model, by the headless commands alone.

Fetches the base model once (about 95 MB) into `FTUI_HOME`, trains on the sample data on this
machine and compares on the unseen test set. About four minutes on two cores; run with `-m slow`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

SAMPLES = Path(__file__).parents[2] / "sample_data"


@dataclass
class Terminal:
    """A person's shell: a folder to work in and an environment."""

    folder: Path
    environ: dict[str, str]

    def ftui(self, *arguments: str, code: int = 0) -> list[Any]:
        """Run one command, show its remarks, and give the JSON values it printed."""
        begun = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "tui", *arguments],
            cwd=self.folder,
            env=self.environ,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        sys.stderr.write(f"ftui {arguments[0]}: {time.monotonic() - begun:.0f} s\n")
        assert done.returncode == code, done.stdout[-2000:]
        return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    environ = dict(os.environ)
    environ.setdefault("FTUI_HOME", str(tmp_path / "home"))
    shell = Terminal(tmp_path, environ)
    yield shell
    subprocess.run([sys.executable, "-m", "tui", "engine", "stop"], env=environ, check=True)


def test_json_validity_on_unseen_mails_rises_and_the_interval_is_above_zero(
    terminal: Terminal,
) -> None:
    train = str(SAMPLES / "tickets_train.jsonl")
    (report,) = terminal.ftui("check", train, "--json")
    assert report["invalid"] == 0

    started, *seen = terminal.ftui("train", train, "--seed", "7", "--watch", "--json")
    assert started["provider"] == "local"
    last = seen[-1]
    assert (last["type"], last["status"]) == ("status", "succeeded")
    steps = [line["step"] for line in seen if line["type"] == "metrics" and "step" in line]
    assert steps == sorted(set(steps)), "every step is told once and in order"

    (result,) = terminal.ftui(
        "evaluate",
        str(SAMPLES / "tickets_test.jsonl"),
        *("--base", started["model"], "--tuned", last["fine_tuned_model"]),
        *("--scorer", "json_valid", "--fail-on-regression", "--json"),
    )
    sys.stderr.write(f"{json.dumps(result, indent=1)}\n")
    assert result["n"] == 30
    assert result["errors"] == 0
    assert result["base"]["mean"] < 0.2
    assert result["tuned"]["mean"] > 0.9
    assert result["difference"]["low"] > 0
    assert result["verdict"] == "better"
    assert Path(terminal.folder, result["cases"]).exists()
