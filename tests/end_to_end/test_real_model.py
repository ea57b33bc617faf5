"""The whole loop with the real default model, using only the headless commands.

Downloads the base model once (about 95 MB) into `FTUI_HOME`, trains on the sample data on this
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
    """A shell: working directory and environment."""

    folder: Path
    environ: dict[str, str]

    def ftui(self, *arguments: str, code: int = 0) -> list[Any]:
        """Run one command and return the JSON values it prints."""
        start = time.monotonic()
        process = subprocess.run(
            [sys.executable, "-m", "tui", *arguments],
            cwd=self.folder,
            env=self.environ,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        sys.stderr.write(f"ftui {arguments[0]}: {time.monotonic() - start:.0f} s\n")
        assert process.returncode == code, process.stdout[-2000:]
        return [json.loads(line) for line in process.stdout.splitlines()]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    environ = dict(os.environ)
    environ.setdefault("FTUI_HOME", str(tmp_path / "home"))
    yield Terminal(tmp_path, environ)
    subprocess.run([sys.executable, "-m", "tui", "engine", "stop"], env=environ, check=True)


def test_fine_tuning_raises_json_validity_on_unseen_mails_significantly(
    terminal: Terminal,
) -> None:
    train = str(SAMPLES / "tickets_train.jsonl")
    (report,) = terminal.ftui("check", train, "--json")
    assert report["invalid"] == 0

    created, *records = terminal.ftui(
        "train", train, "--seed", "7", "--epochs", "1", "--watch", "--json"
    )
    assert created["provider"] == "local"
    last = records[-1]
    assert (last["type"], last["status"]) == ("status", "succeeded")
    steps = [line["step"] for line in records if line["type"] == "metrics" and "step" in line]
    assert steps == sorted(set(steps)), "every step is printed once and in order"

    (result,) = terminal.ftui(
        "evaluate",
        str(SAMPLES / "tickets_test.jsonl"),
        *("--base", created["model"], "--tuned", last["fine_tuned_model"]),
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
