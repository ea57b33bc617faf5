"""Checkpoints on disk: which are complete, which to resume from, what to prune.

A checkpoint is complete once its manifest, written last, lists every file with its size and
checksum; a process killed while writing leaves one without. The manifest also holds the
checkpoint's metrics.
"""

from __future__ import annotations

import os
import shutil
import zlib
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ValidationError

from tui.engine.home import JobFolder

_MANIFEST = "complete.json"
_RESUME_FILES = (
    "optimizer.pt",
    "scheduler.pt",
    "rng_state*.pth",
    "scaler.pt",
    "training_args.bin",
)
_RESUMABLE = 2
"""Number of latest checkpoints that keep their resume files, which take twice the weights' size."""
_CHUNK = 4_194_304


class FileChecksum(BaseModel):
    """Size in bytes and CRC-32 of a checkpoint's file when it was written."""

    size: int
    crc32: int


class CheckpointManifest(BaseModel):
    """What a complete checkpoint consists of, and its metrics."""

    step: int
    metrics: dict[str, int | float]
    files: dict[str, FileChecksum]

    @property
    def validation_loss(self) -> float | None:
        """Loss over the whole validation file; None where the checkpoint was not evaluated."""
        return self.metrics.get("full_valid_loss")


def write_manifest(folder: Path, step: int, metrics: dict[str, int | float]) -> CheckpointManifest:
    """Write a checkpoint's manifest after flushing all of its files to disk.

    Raises:
        OSError: a file cannot be read or written.
    """
    files = {}
    for path in sorted(folder.iterdir()):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
            files[path.name] = _checksum(path)
    manifest = CheckpointManifest(step=step, metrics=metrics, files=files)
    part = folder / f"{_MANIFEST}.part"
    with part.open("w") as file:
        file.write(manifest.model_dump_json())
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / _MANIFEST)
    return manifest


def is_complete(folder: Path) -> bool:
    """Whether training can resume from a checkpoint: no file is missing or damaged."""
    manifest = _read_manifest(folder)
    if manifest is None:
        return False
    try:
        return all(
            (folder / name).stat().st_size == file.size and _checksum(folder / name) == file
            for name, file in manifest.files.items()
        )
    except OSError:
        return False


def latest_complete(job: JobFolder) -> Path | None:
    """The latest checkpoint to resume from; later ones without a manifest are deleted."""
    for folder in reversed(_checkpoint_folders(job)):
        if is_complete(folder):
            return folder
        if not (folder / _MANIFEST).exists():
            shutil.rmtree(folder)
    return None


def read_manifests(job: JobFolder) -> list[CheckpointManifest]:
    """The manifests of all checkpoints by step, pruned ones included."""
    manifests = [_read_manifest(folder) for folder in _checkpoint_folders(job)]
    return [manifest for manifest in manifests if manifest is not None]


def best_checkpoint(checkpoints: Sequence[CheckpointManifest]) -> CheckpointManifest | None:
    """The checkpoint with the lowest validation loss, the earliest of equals; None without any."""
    evaluated = [
        (checkpoint.validation_loss, checkpoint.step, checkpoint)
        for checkpoint in checkpoints
        if checkpoint.validation_loss is not None
    ]
    return min(evaluated, key=lambda entry: entry[:2])[2] if evaluated else None


def prune(job: JobFolder, resumable: int = _RESUMABLE) -> None:
    """Delete the resume files of all but the latest checkpoints; the weights stay usable."""
    folders = _checkpoint_folders(job)
    for folder in folders[: len(folders) - resumable]:
        for pattern in _RESUME_FILES:
            for path in folder.glob(pattern):
                path.unlink()


def step_of(folder: Path) -> int:
    """The step after which the checkpoint in a folder was written."""
    return int(folder.name.rpartition("-")[2])


def _read_manifest(folder: Path) -> CheckpointManifest | None:
    try:
        return CheckpointManifest.model_validate_json((folder / _MANIFEST).read_bytes())
    except (OSError, ValidationError):
        return None


def _checksum(path: Path) -> FileChecksum:
    """Size and CRC-32 of a file; they reveal damage by the disk, not forgery.

    Raises:
        OSError: it cannot be read.
    """
    size = checksum = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            size += len(chunk)
            checksum = zlib.crc32(chunk, checksum)
    return FileChecksum(size=size, crc32=checksum)


def _checkpoint_folders(job: JobFolder) -> list[Path]:
    """The folders of the checkpoints by step."""
    return sorted(job.checkpoints.glob("checkpoint-*"), key=step_of)
