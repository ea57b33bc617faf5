"""An append-only log of JSON lines that several programs write, and that a crash may tear.

A line is whole once its line break is there. A reader takes whole lines alone; a writer holds the
file's lock and first takes off a tail that a crash tore.
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

_BLOCK = 1 << 18
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""What file systems without locks say; there a block is appended in one piece all the same."""


def read_after(path: Path, offset: int) -> tuple[list[bytes], int]:
    """The whole lines behind a place in a log, and the place behind them; no file holds none.

    A log that is shorter than that was replaced: it is read from its beginning.

    Raises:
        OSError: it is there and cannot be read.
    """
    try:
        with path.open("rb") as file:
            return _whole_lines(file, offset)
    except FileNotFoundError:
        return [], 0


def append_after(path: Path, offset: int, make: Callable[[list[bytes]], bytes]) -> int:
    """Append what is made in the knowledge of what others appended; gives the place behind it.

    Args:
        path: the log; it and its folder are made where they are missing.
        offset: what stands before it is known.
        make: from the whole lines behind that to those that shall follow.

    Raises:
        OSError: it cannot be written; what was there is as it was.
    """
    with _opened(path) as file:
        lines, end = read_after(path, offset)
        block = make(lines)
        _write(file, block)
        return end + len(block)


def append(path: Path, block: bytes) -> None:
    """Append whole lines.

    Raises:
        OSError: as `append_after`.
    """
    with _opened(path) as file:
        _write(file, block)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """A log for this writer alone, without a torn tail."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+", buffering=0) as file:
        _lock(file)
        _mend(file)
        yield file


def _write(file: BinaryIO, block: bytes) -> None:
    end = file.seek(0, os.SEEK_END)
    if block and file.write(block) != len(block):
        # A disk that fills up takes a part of a block without a word.
        file.truncate(end)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _lock(file: BinaryIO) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise


def _whole_lines(file: BinaryIO, offset: int) -> tuple[list[bytes], int]:
    """In blocks, for one large step would keep other threads from running."""
    size = file.seek(0, os.SEEK_END)
    end = file.seek(offset if offset <= size else 0)
    lines: list[bytes] = []
    while block := file.readlines(_BLOCK):
        lines += block
    if lines and not lines[-1].endswith(b"\n"):
        lines.pop()
    return lines, end + sum(map(len, lines))


def _mend(file: BinaryIO) -> None:
    """End a last line that lacks nothing but its break; take off one that was torn."""
    size = file.seek(0, os.SEEK_END)
    begin, tail, step = size, b"", 1
    while begin and b"\n" not in tail:
        begin, step = max(0, begin - step), _BLOCK
        file.seek(begin)
        tail = file.read(size - begin)
    last = tail[tail.rfind(b"\n") + 1 :]
    if not last:
        return
    try:
        orjson.loads(last)
    except orjson.JSONDecodeError:
        file.truncate(size - len(last))
    else:
        file.write(b"\n")
