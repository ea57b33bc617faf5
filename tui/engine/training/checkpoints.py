"""Checkpoints on the disk: which are whole, which to resume from, which parts to keep.

A checkpoint is whole when its mark, written last, names every file with its size and checksum; a
process killed while it writes leaves one without. The mark carries the checkpoint's figures too.
"""

from __future__ import annotations

import os
import shutil
import zlib
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ValidationError

from tui.engine.home import JobFolder

_MARK = "complete.json"
_FOR_RESUMING = (
    "optimizer.pt",
    "scheduler.pt",
    "rng_state*.pth",
    "scaler.pt",
    "training_args.bin",
)
_RESUMABLE = 2
"""How many of the latest checkpoints keep what resuming needs; it is twice the weights' size."""
_CHUNK = 4_194_304


class FileChecksum(BaseModel):
    """What a file of a checkpoint was when it was written."""

    size: int
    crc32: int


class CheckpointManifest(BaseModel):
    """The mark of a whole checkpoint."""

    step: int
    metrics: dict[str, int | float]
    files: dict[str, FileChecksum]


def write_manifest(folder: Path, step: int, metrics: dict[str, int | float]) -> CheckpointManifest:
    """Write a checkpoint's mark, after all of its files are on the disk.

    Raises:
        OSError: it cannot be written.
    """
    files = {}
    for path in sorted(folder.iterdir()):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
            files[path.name] = _looked_at(path)
    mark = CheckpointManifest(step=step, metrics=metrics, files=files)
    part = folder / f"{_MARK}.part"
    with part.open("w") as file:
        file.write(mark.model_dump_json())
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / _MARK)
    return mark


def is_complete(folder: Path) -> bool:
    """Whether nothing of a checkpoint is missing or damaged, so that training can go on from it."""
    mark = _mark_of(folder)
    if mark is None:
        return False
    try:
        return all(
            (folder / name).stat().st_size == file.size and _looked_at(folder / name) == file
            for name, file in mark.files.items()
        )
    except OSError:
        return False


def latest_complete(job: JobFolder) -> Path | None:
    """The latest checkpoint to go on from; later ones without a mark are thrown away."""
    for folder in reversed(_all(job)):
        if is_complete(folder):
            return folder
        if not (folder / _MARK).exists():
            shutil.rmtree(folder)
    return None


def marks(job: JobFolder) -> list[CheckpointManifest]:
    """The marks of all checkpoints that were whole once, by step; they can still answer."""
    found = [_mark_of(folder) for folder in _all(job)]
    return [mark for mark in found if mark is not None]


def best(found: Sequence[CheckpointManifest]) -> CheckpointManifest | None:
    """The checkpoint with the lowest validation loss, the earliest of equals; None without any."""
    judged = [mark for mark in found if _loss(mark) is not None]
    return min(judged, key=lambda mark: _loss(mark) or 0.0, default=None)


def checkpoints_since_best(found: Sequence[CheckpointManifest]) -> int:
    """How many checkpoints that were judged too came after the best one."""
    top = best(found)
    if top is None:
        return 0
    return sum(mark.step > top.step for mark in found if _loss(mark) is not None)


def prune(job: JobFolder, keep: int = _RESUMABLE) -> None:
    """Take from older checkpoints what only resuming needs; they can still answer."""
    folders = _all(job)
    for folder in folders[: len(folders) - keep]:
        for pattern in _FOR_RESUMING:
            for path in folder.glob(pattern):
                path.unlink()


def _loss(mark: CheckpointManifest) -> float | None:
    return mark.metrics.get("full_valid_loss")


def _mark_of(folder: Path) -> CheckpointManifest | None:
    try:
        return CheckpointManifest.model_validate_json((folder / _MARK).read_bytes())
    except (OSError, ValidationError):
        return None


def _looked_at(path: Path) -> FileChecksum:
    """A file's size and checksum; the checksum finds what a disk damaged, not what a person forged.

    Raises:
        OSError: it cannot be read.
    """
    size = checksum = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            size += len(chunk)
            checksum = zlib.crc32(chunk, checksum)
    return FileChecksum(size=size, crc32=checksum)


def _all(job: JobFolder) -> list[Path]:
    """The checkpoints by step."""
    folders = job.checkpoints.glob("checkpoint-*")
    return sorted(folders, key=lambda path: int(path.name.rpartition("-")[2]))
