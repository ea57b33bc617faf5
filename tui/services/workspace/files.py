"""Files as ftui writes them: whole or not at all, and logs that survive a torn last line."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias

import aiofiles
import orjson

from tui.services.errors import FileError
from tui.services.workspace.log_file import append

Buffer: TypeAlias = "bytes | bytearray | memoryview | array[int]"
"""Bytes, or numbers whose bytes are meant."""


def explain(error: OSError, path: Path | str, doing: str = "read") -> FileError:
    """Turn an `OSError` into one sentence with what to do."""
    shown = str(path)
    if isinstance(error, FileNotFoundError):
        return FileError(f"There is no file {shown}.", "Check the path.")
    if isinstance(error, IsADirectoryError):
        return FileError(f"{shown} is a folder.", "Give the path of a file in it.")
    if isinstance(error, PermissionError):
        return FileError(f"No permission to {doing} {shown}.", "Check its owner and mode.")
    if error.errno == 28:
        return FileError(
            f"No space left on the disk to {doing} {shown}.",
            "Free some space and try again; nothing that was there is lost.",
        )
    if error.errno == 30:
        return FileError(f"The file system of {shown} is read-only.", "Choose another folder.")
    return FileError(f"Could not {doing} {shown}: {error.strerror or error}.")


def typed_path(text: str) -> Path:
    """A path as a person typed it, `~` put in full; the `~name` of nobody is a file's name."""
    return Path(os.path.expanduser(text))  # noqa: PTH111 - pathlib's raises where there is nobody


async def read_bytes(path: Path) -> bytes:
    """The whole content of a file.

    Raises:
        FileError: it cannot be read.
    """
    try:
        async with aiofiles.open(path, "rb") as file:
            data: bytes = await file.read()
            return data
    except OSError as error:
        raise explain(error, path) from error


async def write_atomic(path: Path, *parts: Buffer) -> None:
    """Write a file whole or not at all: temporary file beside it, fsync, rename.

    Parent folders are made. An existing file is replaced.

    Raises:
        FileError: it cannot be written; a file that was there is as it was.
    """
    try:
        await asyncio.to_thread(_write_atomic, path, parts)
    except OSError as error:
        raise explain(error, path, "write") from error


def _write_atomic(path: Path, parts: Iterable[Buffer]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(handle, "wb") as file:  # noqa: PTH123 - a handle, not a path
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


async def append_json(path: Path, records: list[Any]) -> None:
    """Append records to a JSON Lines log; a last line that a crash tore is taken off first.

    Raises:
        FileError: the log cannot be written.
    """
    if not records:
        return
    block = json_lines(records)
    try:
        await asyncio.to_thread(append, path, block)
    except OSError as error:
        raise explain(error, path, "write") from error


def json_lines(records: Iterable[Any]) -> bytes:
    """Records as JSON, each on a line of its own."""
    return b"".join(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in records)


async def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """The records of a JSON Lines log; lines that a crash tore are left out. No file: no records.

    Raises:
        FileError: the log is there but cannot be read.
    """
    try:
        async with aiofiles.open(path, "rb") as file:
            lines = (await file.read()).split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise explain(error, path) from error
    records = []
    for line in lines:
        with contextlib.suppress(orjson.JSONDecodeError):
            record = orjson.loads(line)
            if isinstance(record, dict):
                records.append(record)
    return records
