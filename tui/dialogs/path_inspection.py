"""What stands at a path that was typed; looked at in a thread, as a disk may be slow."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from tui.services.workspace.files import explain


@dataclass(frozen=True, slots=True)
class PathState:
    """What a path is good for.

    Attributes:
        reason: why it cannot be used, as a sentence; empty where it can.
        exists: whether a file of that name is there already.
    """

    reason: str = ""
    exists: bool = False


async def inspect_input(path: Path) -> PathState:
    """Whether a path is a file that can be read."""
    return await asyncio.to_thread(_standing, path)


async def inspect_output(path: Path, source: Path) -> PathState:
    """Whether a path can be written to: it is no folder and not the source."""
    return await asyncio.to_thread(_output, path, source)


def _standing(path: Path) -> PathState:
    try:
        if path.is_dir():
            raise IsADirectoryError
        with path.open("rb"):
            return PathState(exists=True)
    except (OSError, ValueError) as error:
        return PathState(_told(error, path, "read"))


def _output(path: Path, source: Path) -> PathState:
    try:
        if path.is_dir():
            raise IsADirectoryError
        if not path.exists():
            return PathState()
        same = path.samefile(source)
    except FileNotFoundError:
        return PathState(exists=True)  # the source is gone meanwhile; what writes says so
    except (OSError, ValueError) as error:
        return PathState(_told(error, path, "write"))
    if same:
        return PathState("That is the source; it is never written to. Give another name.")
    return PathState(exists=True)


def _told(error: OSError | ValueError, path: Path, doing: str) -> str:
    """The error as a sentence; a ValueError is a path with a NUL."""
    if isinstance(error, OSError):
        return str(explain(error, path, doing))
    return "A path cannot hold the character NUL."
