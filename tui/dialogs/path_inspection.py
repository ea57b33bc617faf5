"""Check a typed path for reading or writing; in a thread, as a disk may be slow."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from tui.services.workspace.files import explain


@dataclass(frozen=True, slots=True)
class PathState:
    """Whether a path can be used.

    Attributes:
        reason: why it cannot be used, as a sentence; empty if it can.
        exists: whether the file exists.
    """

    reason: str = ""
    exists: bool = False


async def inspect_input(path: Path) -> PathState:
    """Check that a path is a readable file."""
    return await asyncio.to_thread(_input_state, path)


async def inspect_output(path: Path, source: Path) -> PathState:
    """Check that a path can be written to: it is neither a folder nor the source."""
    return await asyncio.to_thread(_output_state, path, source)


def _input_state(path: Path) -> PathState:
    try:
        if path.is_dir():
            raise IsADirectoryError
        with path.open("rb"):
            return PathState(exists=True)
    except (OSError, ValueError) as error:
        return PathState(_explain(error, path, "read"))


def _output_state(path: Path, source: Path) -> PathState:
    try:
        if path.is_dir():
            raise IsADirectoryError
        if not path.exists():
            return PathState()
        same = path.samefile(source)
    except FileNotFoundError:
        return PathState(exists=True)  # the source is gone; the writer reports that
    except (OSError, ValueError) as error:
        return PathState(_explain(error, path, "write"))
    if same:
        return PathState("This is the source file, which is never overwritten. Enter another name.")
    return PathState(exists=True)


def _explain(error: OSError | ValueError, path: Path, action: str) -> str:
    """The error as a sentence; a ValueError is a path with a NUL."""
    if isinstance(error, OSError):
        return str(explain(error, path, action))
    return "A path cannot contain a NUL character."
