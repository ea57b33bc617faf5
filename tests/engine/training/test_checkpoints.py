"""Which checkpoints are complete, best or pruned, and when training stops early."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.engine.home import JobFolder
from tui.engine.training.checkpoints import (
    CheckpointManifest,
    best_checkpoint,
    is_complete,
    latest_complete,
    prune,
    write_manifest,
)
from tui.engine.training.early_stopping import (
    checkpoints_since_best,
    describe_early_stop,
    should_stop_early,
)


def checkpoint(folder: JobFolder, step: int, *, complete: bool = True) -> Path:
    path = folder.checkpoint(step)
    path.mkdir(parents=True)
    for name in ("adapter_model.safetensors", "optimizer.pt", "rng_state.pth"):
        (path / name).write_bytes(b"x" * 100)
    if complete:
        write_manifest(path, step, {"train_loss": 1.0})
    return path


def test_training_resumes_from_the_latest_complete_checkpoint(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    good = checkpoint(folder, 9)
    (checkpoint(folder, 18) / "optimizer.pt").write_bytes(b"x" * 50)
    unfinished = checkpoint(folder, 100, complete=False)
    assert latest_complete(folder) == good
    assert not unfinished.exists()


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "optimizer.pt"])
@pytest.mark.parametrize(
    "content", [b"x" * 99 + b"y", b"x" * 50, None], ids=["flipped bit", "truncated", "missing"]
)
def test_a_damaged_checkpoint_is_not_resumed_from(
    tmp_path: Path, name: str, content: bytes | None
) -> None:
    folder = JobFolder(tmp_path)
    good, damaged = checkpoint(folder, 9), checkpoint(folder, 18)
    if content is None:
        (damaged / name).unlink()
    else:
        (damaged / name).write_bytes(content)
    assert latest_complete(folder) == good


def test_the_best_checkpoint_is_that_with_the_lowest_loss_over_the_whole_validation_file() -> None:
    losses = {10: 2.0, 20: 1.5, 30: 1.6, 40: 1.5}
    checkpoints = [
        CheckpointManifest(step=step, metrics={"full_valid_loss": loss}, files={})
        for step, loss in losses.items()
    ]
    paused = CheckpointManifest(step=45, metrics={"train_loss": 0.1}, files={})
    best = best_checkpoint([*checkpoints, paused])
    assert best is not None
    assert best.step == 20
    assert (
        best_checkpoint([CheckpointManifest(step=10, metrics={"train_loss": 1.0}, files={})])
        is None
    )


def test_older_checkpoints_keep_their_weights_and_lose_their_resume_files(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    folders = [checkpoint(folder, step) for step in (8, 9, 10, 11)]
    prune(folder)
    assert [is_complete(path) for path in folders] == [False, False, True, True]
    assert all((path / "adapter_model.safetensors").exists() for path in folders)


@pytest.mark.parametrize(("patience", "stops"), [(None, False), (2, True), (3, False)])
def test_training_stops_early_once_patience_checkpoints_are_no_better_than_the_best(
    patience: int | None, stops: bool
) -> None:
    losses = {10: 2.0, 20: 1.5, 30: 1.6, 40: 1.5}
    checkpoints = [
        CheckpointManifest(step=step, metrics={"full_valid_loss": loss}, files={})
        for step, loss in losses.items()
    ]
    paused = CheckpointManifest(step=45, metrics={"train_loss": 0.1}, files={})
    assert checkpoints_since_best([*checkpoints, paused]) == 2
    assert should_stop_early([*checkpoints, paused], patience) is stops
    assert "it was lowest at step 20" in describe_early_stop(checkpoints, patience)
