"""Completion of a path while it is typed."""

from __future__ import annotations

import asyncio
import os
from typing import NamedTuple

from tui.services.workspace.files import typed_path

MOST = 200
"""Most candidates; a folder may hold millions of files."""


class Candidate(NamedTuple):
    """A file or folder that matches; `text` is the completed input."""

    text: str
    name: str
    is_folder: bool


async def candidates(typed: str) -> list[Candidate]:
    """Files and folders that begin as typed, folders first; none where the folder is unreadable.

    Hidden files are candidates only where a dot was typed.
    """
    return await asyncio.to_thread(_candidates, typed)


def _candidates(typed: str) -> list[Candidate]:
    head, slash, start = typed.rpartition("/")
    matches: list[Candidate] = []
    try:
        with os.scandir(typed_path(head + slash or ".")) as entries:
            for entry in entries:
                if not entry.name.startswith(start) or _hidden(entry.name, start):
                    continue
                folder = entry.is_dir()
                text = head + slash + entry.name + ("/" if folder else "")
                matches.append(Candidate(text, entry.name, folder))
    except (OSError, ValueError):
        return []
    return sorted(matches, key=lambda candidate: (not candidate.is_folder, candidate.name))[:MOST]


def _hidden(name: str, start: str) -> bool:
    return name.startswith(".") and not start.startswith(".")
