"""What stands at a path that was typed; looked at in a thread, as a disk may be slow."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from tui.services.workspace.files import explain


@dataclass(frozen=True, slots=True)
class Standing:
    """What a path is good for.

    Attributes:
        reason: why it cannot be used, as a sentence; empty where it can.
        exists: whether a file of that name is there already.
    """

    reason: str = ""
    exists: bool = False


async def look_at_input(path: Path) -> Standing:
    """Whether a path is a file that can be read."""
    return await asyncio.to_thread(_standing, path)


async def look_at_output(path: Path, source: Path) -> Standing:
    """Whether a path can be written to: it is no folder and not the source."""
    return await asyncio.to_thread(_output, path, source)


def _standing(path: Path) -> Standing:
    try:
        if path.is_dir():
            raise IsADirectoryError
        with path.open("rb"):
            return Standing(exists=True)
    except (OSError, ValueError) as error:
        return Standing(_told(error, path, "read"))


def _output(path: Path, source: Path) -> Standing:
    try:
        if path.is_dir():
            raise IsADirectoryError
        if not path.exists():
            return Standing()
        same = path.samefile(source)
    except FileNotFoundError:
        return Standing(exists=True)  # the source is gone meanwhile; what writes says so
    except (OSError, ValueError) as error:
        return Standing(_told(error, path, "write"))
    if same:
        return Standing("That is the source; it is never written to. Give another name.")
    return Standing(exists=True)


def _told(error: OSError | ValueError, path: Path, doing: str) -> str:
    """The error as a sentence; a ValueError is a path with a NUL."""
    if isinstance(error, OSError):
        return str(explain(error, path, doing))
    return "A path cannot hold the character NUL."
