"""The workspace: the folder `.ftui/` with a project's decisions, jobs and evaluations."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from tui.services.errors import FileError
from tui.services.workspace.files import read_bytes, write_atomic

Record = TypeVar("Record", bound=BaseModel)


class Workspace:
    """Where ftui keeps its records for the project in the current folder.

    The folder is created on the first write, so that read-only use leaves no trace.

    Layout: `decisions/<id>.json`, `jobs/<provider>/<id>/events.jsonl`,
    `evaluations/<id>/{evaluation.json,cases.jsonl}`, `chats/<id>.jsonl`,
    `uploads/<provider>/<sha256>.json`, `pending/<nonce>.jsonl`, `splits/<time>-<name>/`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def decisions(self) -> Path:
        """Folder of the saved decisions, one JSON file each."""
        return self.root / "decisions"

    @property
    def evaluations(self) -> Path:
        """Folder of the evaluations, one folder each."""
        return self.root / "evaluations"

    @property
    def chats(self) -> Path:
        """Folder of the chats, one log each."""
        return self.root / "chats"

    @property
    def jobs(self) -> Path:
        """Folder of the job logs: `<provider>/<id>/`."""
        return self.root / "jobs"

    @property
    def uploads(self) -> Path:
        """Folder of the records of uploaded files: `<provider>/<sha256>.json`."""
        return self.root / "uploads"

    @property
    def pending(self) -> Path:
        """Folder of the jobs that are being created, one file each."""
        return self.root / "pending"

    @property
    def splits(self) -> Path:
        """Folder of training files that were split for a job, one folder each."""
        return self.root / "splits"

    async def save(self, path: Path, record: BaseModel) -> Path:
        """Write one record as indented JSON, atomically.

        Raises:
            FileError: it cannot be written.
        """
        await write_atomic(path, record.model_dump_json(indent=2).encode() + b"\n")
        return path

    async def load(self, path: Path, kind: type[Record]) -> Record:
        """Read one record.

        Raises:
            FileError: it cannot be read or is not a valid record.
        """
        try:
            return kind.model_validate_json(await read_bytes(path))
        except ValidationError as error:
            raise FileError(
                f"{path} is not a record that this version of ftui can read.",
                "Move it elsewhere; ftui creates a new one.",
            ) from error

    def newest(self, folder: Path, pattern: str) -> list[Path]:
        """The matching paths in a folder, newest first (names start with a time)."""
        return sorted(folder.glob(pattern), reverse=True)


def folder_name(name: str) -> str:
    """A server's name quoted as a folder name, safe against path traversal."""
    quoted = quote(name, safe="")
    return "%2E" + quoted[1:] if quoted.startswith(".") else quoted
