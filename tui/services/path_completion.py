"""What a path that is being typed could become."""

from __future__ import annotations

import asyncio
import os
from typing import NamedTuple

from tui.services.workspace.files import typed_path

MOST = 200
"""Names given at the most; a folder may hold millions."""


class Candidate(NamedTuple):
    """A file or folder that begins as typed; `text` is what would be typed for it."""

    text: str
    name: str
    is_folder: bool


async def candidates(typed: str) -> list[Candidate]:
    """Files and folders that begin as typed, folders first; none where nothing can be read.

    Hidden ones are given only where a dot was typed.
    """
    return await asyncio.to_thread(_candidates, typed)


def _candidates(typed: str) -> list[Candidate]:
    head, slash, start = typed.rpartition("/")
    found: list[Candidate] = []
    try:
        with os.scandir(typed_path(head + slash or ".")) as entries:
            for entry in entries:
                if not entry.name.startswith(start) or _hidden(entry.name, start):
                    continue
                folder = entry.is_dir()
                text = head + slash + entry.name + ("/" if folder else "")
                found.append(Candidate(text, entry.name, folder))
    except (OSError, ValueError):
        return []
    return sorted(found, key=lambda one: (not one.is_folder, one.name))[:MOST]


def _hidden(name: str, start: str) -> bool:
    return name.startswith(".") and not start.startswith(".")
