"""Reading and writing files, with atomic writes."""

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
"""Bytes, or an array written as its bytes."""


def explain(error: OSError, path: Path | str, doing: str = "read") -> FileError:
    """Turn an `OSError` into an error with a sentence and a hint."""
    if isinstance(error, FileNotFoundError):
        return FileError(f"There is no file {path}.", "Check the path.")
    if isinstance(error, IsADirectoryError):
        return FileError(f"{path} is a folder.", "Give the path of a file in it.")
    if isinstance(error, PermissionError):
        return FileError(f"No permission to {doing} {path}.", "Check its owner and mode.")
    if error.errno == 28:
        return FileError(
            f"No space left on the disk to {doing} {path}.",
            "Free some space and try again; nothing that was there is lost.",
        )
    if error.errno == 30:
        return FileError(f"The file system of {path} is read-only.", "Choose another folder.")
    return FileError(f"Could not {doing} {path}: {error.strerror or error}.")


def typed_path(text: str) -> Path:
    """The path for typed text, with `~` expanded; `~name` stays if there is no such user."""
    return Path(os.path.expanduser(text))  # noqa: PTH111 - pathlib's raises if there is no such user


async def read_bytes(path: Path) -> bytes:
    """Read the whole content of a file.

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
    """Write a file atomically: temporary file beside it, fsync, rename.

    Parent folders are created. An existing file is replaced.

    Raises:
        FileError: it cannot be written; an existing file is unchanged.
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
    """Append records to a JSON Lines log; a last line torn by a crash is removed first.

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
    """Records as JSON Lines."""
    return b"".join(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in records)


async def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """Read the records of a JSON Lines log, without torn lines; empty if there is no file.

    Raises:
        FileError: the log exists and cannot be read.
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
