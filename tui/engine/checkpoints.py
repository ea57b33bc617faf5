"""Checkpoints on the disk: which are whole, which to resume from, which parts to keep.

A checkpoint is whole when its list of files, written last, names every file with its size; a
process killed while it writes leaves one without.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from tui.engine.home import JobFolder

_LIST = "complete.json"
_FOR_RESUMING = ("optimizer.pt", "scheduler.pt", "rng_state.pth", "scaler.pt")
_RESUMABLE = 2
"""How many of the latest checkpoints keep what resuming needs; it is twice the adapter's size."""


def mark_whole(folder: Path) -> None:
    """Write the list of a checkpoint's files, after all of them are on the disk.

    Raises:
        OSError: it cannot be written.
    """
    sizes = {}
    for path in sorted(folder.iterdir()):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
            sizes[path.name] = path.stat().st_size
    part = folder / f"{_LIST}.part"
    part.write_text(json.dumps(sizes))
    part.replace(folder / _LIST)


def is_whole(folder: Path) -> bool:
    """Whether nothing of a checkpoint is missing, so that training can go on from it."""
    try:
        sizes = json.loads((folder / _LIST).read_text())
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError):
        return False


def latest_whole(job: JobFolder) -> Path | None:
    """The latest checkpoint to go on from; later ones that are not whole are thrown away."""
    for folder in reversed(_all(job)):
        if is_whole(folder):
            return folder
        if not (folder / _LIST).exists():
            shutil.rmtree(folder)
    return None


def slim(job: JobFolder, keep: int = _RESUMABLE) -> None:
    """Take from older checkpoints what only resuming needs; they can still answer."""
    folders = _all(job)
    for folder in folders[: len(folders) - keep]:
        for name in _FOR_RESUMING:
            (folder / name).unlink(missing_ok=True)


def _all(job: JobFolder) -> list[Path]:
    """The checkpoints by step."""
    folders = job.checkpoints.glob("checkpoint-*")
    return sorted(folders, key=lambda path: int(path.name.rpartition("-")[2]))
