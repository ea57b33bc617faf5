"""A job that several processes train, as they do on several GPUs; here on the CPU, for real."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from support.engine.training_job import JobOnDisk, RecordingReporter
from support.sample_rows import good_rows, pair_rows

from tui.engine.jobs.launcher import Launcher
from tui.engine.jobs.worker_reports import Checkpoint, End, Message, Metrics, read_report

pytestmark = pytest.mark.slow  # seven processes that load torch

SHORT: dict[str, Any] = {"n_epochs": 2, "batch_size": 4, "checkpoint_steps": 2}


def job(root: Path, model: Path, **asked: Any) -> JobOnDisk:
    rows = pair_rows() if asked.get("method") == "dpo" else good_rows()
    return JobOnDisk(root, model, rows, validation=rows[:4], **asked)


def reports(of: JobOnDisk) -> list[Any]:
    if not of.folder.events.exists():
        return []
    return [read_report(line) for line in of.folder.events.read_bytes().splitlines()]


def wait(until: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize("method", ["supervised", "dpo"])
def test_two_processes_learn_what_one_learns_and_one_of_them_reports(
    tiny_model: Path, tmp_path: Path, method: str
) -> None:
    asked = {"method": method, **SHORT}
    shared, launcher = job(tmp_path / "two", tiny_model, **asked), Launcher(gpus=2)
    launcher.train(shared.folder)
    alone, heard = job(tmp_path / "one", tiny_model, **asked), RecordingReporter()
    alone.train(heard)
    wait(lambda: not launcher.working(shared.folder))
    told = reports(shared)
    assert isinstance(told[-1], End)
    assert told[-1].status == "succeeded"
    steps = {report.step: report.data for report in told if isinstance(report, Metrics)}
    assert [r.step for r in told if isinstance(r, Metrics)] == [1, 2, 3, 4, 5, 6]
    assert [r.step for r in told if isinstance(r, Checkpoint)] == [2, 4, 6]
    for step, data in heard.figures().items():
        assert steps[step]["train_loss"] == pytest.approx(data["train_loss"], abs=1e-4)
        assert steps[step]["num_tokens"] == data["num_tokens"]
    assert any("shared by 2 processes" in r.message for r in told if isinstance(r, Message))
    assert (shared.folder.adapter / "adapter_model.safetensors").exists()
    assert not shared.folder.pairs.exists()


def test_when_their_launcher_is_killed_all_of_them_end_and_the_next_ones_go_on(
    tiny_model: Path, tmp_path: Path
) -> None:
    shared = job(tmp_path, tiny_model, n_epochs=50, batch_size=2, checkpoint_steps=10)
    launcher = Launcher(gpus=2)
    pid = launcher.train(shared.folder)
    wait(lambda: any(isinstance(report, Checkpoint) for report in reports(shared)))
    workers = psutil.Process(pid).children(recursive=True)
    assert len(workers) >= 2
    os.kill(pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert not alive
    wait(lambda: not launcher.working(shared.folder))
    before = len(reports(shared))
    launcher.train(shared.folder)
    wait(lambda: not launcher.working(shared.folder))
    told = reports(shared)
    assert isinstance(told[-1], End)
    assert told[-1].status == "succeeded"
    said = [report.message for report in told[before:] if isinstance(report, Message)]
    assert any(line.startswith("Going on from the checkpoint of step ") for line in said)
    assert {r.step for r in told if isinstance(r, Metrics)} == set(range(1, 301))
