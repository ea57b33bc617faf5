"""Stores files in the engine's home: complete or absent, under generated names, with expiry."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from tui.engine.api.engine_state import Engine
from tui.engine.home import Home
from tui.engine.jobs.records import FileRecord, new_id

_CHUNK = 1_048_576


@dataclass(frozen=True, slots=True)
class Received:
    """Received bytes that belong to no file yet.

    Attributes:
        path: where they are stored.
        bytes: their number.
        sha256: hexadecimal.
        md5: hexadecimal; only to compare with a client's checksum.
    """

    path: Path
    bytes: int
    sha256: str
    md5: str


def read_chunks(file: BinaryIO) -> Iterator[bytes]:
    """Yield the rest of a file in chunks of a megabyte."""
    return iter(partial(file.read, _CHUNK), b"")


@contextmanager
def receive(home: Home, chunks: Iterable[bytes]) -> Iterator[Received]:
    """Write chunks to a temporary file, which is deleted at the end unless it was moved."""
    path = home.scratch / new_id("received-")
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    size = 0
    try:
        with path.open("wb") as target:
            for chunk in chunks:
                sha256.update(chunk)
                md5.update(chunk)
                size += len(chunk)
                target.write(chunk)
            target.flush()
            os.fsync(target.fileno())
        yield Received(path, size, sha256.hexdigest(), md5.hexdigest())
    finally:
        path.unlink(missing_ok=True)


def store_file(
    engine: Engine, content: Received, *, filename: str, purpose: str, seconds: int | None
) -> FileRecord:
    """Create a file from received bytes.

    Args:
        engine: the engine that stores it.
        content: its bytes.
        filename: the client's name; never used on the disk.
        purpose: one of OpenAI's purposes.
        seconds: until it expires; None for never.
    """
    created = engine.clock()
    file = FileRecord(
        filename=filename,
        purpose=purpose,
        bytes=content.bytes,
        sha256=content.sha256,
        created_at=created,
        expires_at=None if seconds is None else created + seconds,
    )
    path = engine.home.files / file.id
    content.path.replace(path)
    try:
        engine.store.add_file(file)
    except BaseException:
        path.unlink()
        raise
    return file


def delete_file(engine: Engine, file: FileRecord) -> None:
    """Delete a file; a job that uses it keeps its own link to it."""
    engine.store.remove_file(file.id)
    (engine.home.files / file.id).unlink(missing_ok=True)


def delete_expired(engine: Engine) -> None:
    """Delete expired files and end expired uploads."""
    time = engine.clock()
    for file in engine.store.expired_files(time):
        delete_file(engine, file)
    for upload in engine.store.uploads.pending():
        if upload.expires_at <= time:
            engine.store.uploads.end(upload.model_copy(update={"status": "expired"}))
            shutil.rmtree(engine.home.upload(upload.id), ignore_errors=True)


def delete_leftovers(engine: Engine) -> None:
    """Delete files and parts that the store does not know, left by a server that died.

    If the store has no files at all, its database may be lost, so no file is deleted.
    """
    if engine.store.files(None, None, 1, "asc").data:
        for file in engine.home.files.iterdir():
            if file.is_file() and engine.store.file(file.name) is None:
                file.unlink()
    pending = {upload.id for upload in engine.store.uploads.pending()}
    for folder in engine.home.uploads.iterdir():
        if folder.name not in pending:
            shutil.rmtree(folder)
            continue
        known = {part.id for part in engine.store.uploads.parts(folder.name)}
        for part in folder.iterdir():
            if part.name not in known:
                part.unlink()
