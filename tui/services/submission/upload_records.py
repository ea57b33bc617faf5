"""Records of uploads, so that no file is sent twice and interrupted uploads are continued."""

from __future__ import annotations

import asyncio
from pathlib import Path

from pydantic import BaseModel

from tui.services.errors import FileError
from tui.services.workspace.workspace import Workspace, folder_name


class OpenUpload(BaseModel):
    """An incomplete upload in parts.

    Attributes:
        id: at the server.
        expires_at: Unix seconds; None if unknown.
        part_bytes: size of each part but the last.
        parts: ids of the uploaded parts, in the order of the file.
    """

    id: str
    expires_at: float | None = None
    part_bytes: int
    parts: list[str] = []


class UploadedFile(BaseModel):
    """A file at a server, complete or not.

    Attributes:
        name: of the file when it was uploaded.
        sha256: of the uploaded bytes.
        bytes: their number.
        file: the server's id of the file; None while incomplete.
        upload: its parts while incomplete.
    """

    name: str
    sha256: str
    bytes: int
    file: str | None = None
    upload: OpenUpload | None = None


class UploadRecords:
    """The records `uploads/<provider>/<sha256>.json` of a workspace."""

    def __init__(self, workspace: Workspace, provider: str) -> None:
        self._workspace = workspace
        self._folder = workspace.uploads / folder_name(provider)

    async def find(self, sha256: str) -> UploadedFile | None:
        """Find the record of the bytes with that digest."""
        try:
            record = await self._workspace.load(self._path(sha256), UploadedFile)
        except FileError:  # no readable record: the file is sent again
            return None
        return record if record.sha256 == sha256 else None

    async def find_by_id(self, file: str) -> UploadedFile | None:
        """Find the record of the file with that id at the server."""
        paths = await asyncio.to_thread(lambda: sorted(self._folder.glob("*.json")))
        for path in paths:
            record = await self.find(path.stem)
            if record and record.file == file:
                return record
        return None

    async def save(self, record: UploadedFile) -> None:
        """Write a record.

        Raises:
            FileError: it cannot be written.
        """
        await self._workspace.save(self._path(record.sha256), record)

    def _path(self, sha256: str) -> Path:
        return self._folder / f"{sha256}.json"
