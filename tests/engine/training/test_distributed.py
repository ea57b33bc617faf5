"""A job trained by several processes, as on several GPUs, run on the CPU."""

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

from tui.engine.jobs.launcher import LocalLauncher
from tui.engine.jobs.worker_reports import Checkpoint, End, Message, Metrics, read_report

pytestmark = pytest.mark.slow  # starts seven processes that load torch

SHORT: dict[str, Any] = {"n_epochs": 2, "batch_size": 4, "checkpoint_steps": 2}


def job(root: Path, model: Path, **options: Any) -> JobOnDisk:
    rows = pair_rows() if options.get("method") == "dpo" else good_rows()
    return JobOnDisk(root, model, rows, validation=rows[:4], **options)


def read_reports(job: JobOnDisk) -> list[Any]:
    if not job.folder.events.exists():
        return []
    return [read_report(line) for line in job.folder.events.read_bytes().splitlines()]


def wait_until(condition: Callable[[], bool], seconds: float = 600) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize("method", ["supervised", "dpo"])
def test_two_processes_train_like_one_and_only_the_main_process_reports(
    tiny_model: Path, tmp_path: Path, method: str
) -> None:
    options = {"method": method, **SHORT}
    shared, launcher = job(tmp_path / "two", tiny_model, **options), LocalLauncher(gpus=2)
    launcher.train(shared.folder)
    single, reporter = job(tmp_path / "one", tiny_model, **options), RecordingReporter()
    single.train(reporter)
    wait_until(lambda: not launcher.is_busy(shared.folder))
    reports = read_reports(shared)
    assert isinstance(reports[-1], End)
    assert reports[-1].status == "succeeded"
    steps = {report.step: report.data for report in reports if isinstance(report, Metrics)}
    assert [r.step for r in reports if isinstance(r, Metrics)] == [1, 2, 3, 4, 5, 6]
    assert [r.step for r in reports if isinstance(r, Checkpoint)] == [2, 4, 6]
    for step, data in reporter.metrics().items():
        assert steps[step]["train_loss"] == pytest.approx(data["train_loss"], abs=1e-4)
        assert steps[step]["num_tokens"] == data["num_tokens"]
    assert any("shared by 2 processes" in r.message for r in reports if isinstance(r, Message))
    assert (shared.folder.adapter / "adapter_model.safetensors").exists()
    assert not shared.folder.pairs.exists()


def test_workers_exit_when_their_launcher_is_killed_and_the_next_ones_resume(
    tiny_model: Path, tmp_path: Path
) -> None:
    shared = job(tmp_path, tiny_model, n_epochs=50, batch_size=2, checkpoint_steps=10)
    launcher = LocalLauncher(gpus=2)
    pid = launcher.train(shared.folder)
    wait_until(lambda: any(isinstance(report, Checkpoint) for report in read_reports(shared)))
    workers = psutil.Process(pid).children(recursive=True)
    assert len(workers) >= 2
    os.kill(pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(workers, timeout=120)
    assert not alive
    wait_until(lambda: not launcher.is_busy(shared.folder))
    before = len(read_reports(shared))
    launcher.train(shared.folder)
    wait_until(lambda: not launcher.is_busy(shared.folder))
    reports = read_reports(shared)
    assert isinstance(reports[-1], End)
    assert reports[-1].status == "succeeded"
    messages = [report.message for report in reports[before:] if isinstance(report, Message)]
    assert any(line.startswith("Resuming from the checkpoint of step ") for line in messages)
    assert {r.step for r in reports if isinstance(r, Metrics)} == set(range(1, 301))
