"""An append-only log of JSON lines with several writers, safe against torn writes.

A line is complete once it has its line break. A reader returns only complete lines; a writer holds
the file's lock and first removes a tail torn by a crash.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import orjson

_BLOCK_SIZE = 1 << 18
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""Errors of file systems without locks; there each block is still appended in one write."""


def read_after(path: Path, offset: int) -> tuple[list[bytes], int]:
    """The complete lines after an offset in a log, and the offset after them.

    Without a file there are none. A log shorter than the offset was replaced: it is read from the
    start.

    Raises:
        OSError: the log exists and cannot be read.
    """
    try:
        with path.open("rb") as file:
            return _complete_lines(file, offset)
    except FileNotFoundError:
        return [], 0


def append_after(path: Path, offset: int, make: Callable[[list[bytes]], bytes]) -> int:
    """Append lines that depend on those appended by others; returns the offset after them.

    Args:
        path: the log; it and its folder are created if missing.
        offset: end of the lines already read.
        make: returns the block to append, given the complete lines after `offset`.

    Raises:
        OSError: the log cannot be written; its content is unchanged.
    """
    with _open_locked(path) as file:
        lines, end = read_after(path, offset)
        block = make(lines)
        _write(file, block)
        return end + len(block)


def append(path: Path, block: bytes) -> None:
    """Append complete lines.

    Raises:
        OSError: as `append_after`.
    """
    with _open_locked(path) as file:
        _write(file, block)


@contextmanager
def _open_locked(path: Path) -> Iterator[BinaryIO]:
    """Open a log under an exclusive lock, without a torn tail."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+", buffering=0) as file:
        _lock(file)
        _fix_tail(file)
        yield file


def _write(file: BinaryIO, block: bytes) -> None:
    end = file.seek(0, os.SEEK_END)
    if block and file.write(block) != len(block):
        # When a disk fills up, a write is cut short without an error.
        file.truncate(end)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _lock(file: BinaryIO) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise


def _complete_lines(file: BinaryIO, offset: int) -> tuple[list[bytes], int]:
    """Reads in blocks: one large read would keep other threads from running."""
    size = file.seek(0, os.SEEK_END)
    end = file.seek(offset if offset <= size else 0)
    lines: list[bytes] = []
    while block := file.readlines(_BLOCK_SIZE):
        lines += block
    if lines and not lines[-1].endswith(b"\n"):
        lines.pop()
    return lines, end + sum(map(len, lines))


def _fix_tail(file: BinaryIO) -> None:
    """Terminate a last line that lacks only its line break; remove a torn one."""
    size = file.seek(0, os.SEEK_END)
    start, tail, step = size, b"", 1
    while start and b"\n" not in tail:
        start, step = max(0, start - step), _BLOCK_SIZE
        file.seek(start)
        tail = file.read(size - start)
    last = tail[tail.rfind(b"\n") + 1 :]
    if not last:
        return
    try:
        orjson.loads(last)
    except orjson.JSONDecodeError:
        file.truncate(size - len(last))
    else:
        file.write(b"\n")
