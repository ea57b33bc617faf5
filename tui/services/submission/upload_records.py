"""What servers were sent, kept in the workspace: no file goes up twice, none begins anew."""

from __future__ import annotations

import asyncio
from pathlib import Path

from pydantic import BaseModel

from tui.services.errors import FileError
from tui.services.workspace.workspace import Workspace, folder_name


class OpenUpload(BaseModel):
    """An upload in parts that was not completed.

    Attributes:
        id: the server's id of it.
        expires_at: Unix seconds from which on it takes no parts; None where nobody said.
        part_bytes: bytes of each part; the last may be smaller.
        parts: ids of the parts that the server has, in the order of the file.
    """

    id: str
    expires_at: float | None = None
    part_bytes: int
    parts: list[str] = []


class SentFile(BaseModel):
    """What a server has of a file.

    Attributes:
        name: of the file when it was sent.
        sha256: of the bytes that were sent.
        bytes: how many they are.
        file: the server's id of the whole file; None while it is not all there.
        upload: its parts, while it is not all there.
    """

    name: str
    sha256: str
    bytes: int
    file: str | None = None
    upload: OpenUpload | None = None


class SentFiles:
    """The records `uploads/<provider>/<sha256>.json` of a workspace."""

    def __init__(self, workspace: Workspace, provider: str) -> None:
        self._workspace = workspace
        self._folder = workspace.uploads / folder_name(provider)

    async def known(self, sha256: str) -> SentFile | None:
        """What the server was sent of the bytes with that sum; None where nothing is known."""
        try:
            found = await self._workspace.load(self._path(sha256), SentFile)
        except FileError:  # no record, or one that cannot be read: the file is sent again
            return None
        return found if found.sha256 == sha256 else None

    async def of_id(self, file: str) -> SentFile | None:
        """What was sent that the server knows by that id; None where nothing is known."""
        paths = await asyncio.to_thread(lambda: sorted(self._folder.glob("*.json")))
        for path in paths:
            found = await self.known(path.stem)
            if found and found.file == file:
                return found
        return None

    async def keep(self, sent: SentFile) -> None:
        """Note what the server has.

        Raises:
            FileError: it cannot be written.
        """
        await self._workspace.save(self._path(sent.sha256), sent)

    def _path(self, sha256: str) -> Path:
        return self._folder / f"{sha256}.json"
