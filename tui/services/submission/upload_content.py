"""The bytes of a file as a server is sent them: read as they are wanted, never all at once."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self, cast

from tui.domain.rows.parsing import BOM
from tui.services.errors import FileError, InputError
from tui.services.reading.row_file import Stamp
from tui.services.workspace.files import explain

_BLOCK = 1 << 22


@dataclass(frozen=True, slots=True)
class Digests:
    """Sums of everything that is sent, in hexadecimal."""

    sha256: str
    md5: str


class SentContent:
    """An open file, after a byte order mark where the server wants one.

    Attributes:
        path: the file.
        stamp: how it was when it was opened.
        size: bytes that are sent.
    """

    def __init__(self, path: Path, file: BinaryIO, *, marked: bool) -> None:
        """Take an open file; `opened` opens one."""
        self.path = path
        self._file = file
        self.stamp = Stamp.of(os.fstat(file.fileno()))
        begins = os.pread(file.fileno(), len(BOM), 0)
        self._mark = BOM if marked and begins != BOM else b""
        self.size = self.stamp.size + len(self._mark)

    @classmethod
    async def opened(cls, path: Path, *, marked: bool = False) -> Self:
        """Open a file.

        Args:
            path: the file.
            marked: whether UTF-8's byte order mark must stand at its beginning.

        Raises:
            FileError: it cannot be read.
            InputError: it is empty.
        """
        try:
            content = cls(path, await asyncio.to_thread(path.open, "rb", 0), marked=marked)
        except OSError as error:
            raise explain(error, path) from error
        if content.stamp.size:
            return content
        content.close()
        raise InputError(f"The file {path} is empty.", "Give a file with examples.")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def read(self, offset: int, count: int) -> bytes:
        """Bytes from a place on; fewer only at the end.

        Raises:
            OSError: the file cannot be read.
        """
        begin = self._mark[offset : offset + count]
        at = max(0, offset - len(self._mark))
        return begin + os.pread(self._file.fileno(), count - len(begin), at)

    def part(self, start: int, end: int, told: Callable[[int], None]) -> BinaryIO:
        """A range of the bytes, as a client reads it; `told` gets the bytes read of it so far."""
        # The client's types want typing's BinaryIO, which no class of `io` is to a type checker.
        return cast("BinaryIO", SentPart(self, start, min(end, self.size), told))

    async def digests(self, told: Callable[[int], None]) -> Digests:
        """Read everything; `told` gets the bytes read so far.

        Raises:
            FileError: the file cannot be read, or changed meanwhile.
        """
        sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        for offset in range(0, self.size, _BLOCK):
            told(offset)
            await asyncio.to_thread(self._digest, offset, sha256, md5)
        await self.require_unchanged()
        return Digests(sha256.hexdigest(), md5.hexdigest())

    def _digest(self, offset: int, *sums: hashlib._Hash) -> None:
        try:
            block = self.read(offset, _BLOCK)
        except OSError as error:
            raise explain(error, self.path) from error
        for one in sums:
            one.update(block)

    async def require_unchanged(self, since: Stamp | None = None) -> None:
        """Make sure that the file is the one that was opened, and where given the one of a stamp.

        Raises:
            FileError: it is not.
        """
        try:
            now = Stamp.of(await asyncio.to_thread(self.path.stat))
        except OSError as error:
            raise explain(error, self.path) from error
        if now != self.stamp or since not in (None, now):
            raise FileError(
                f"{self.path} changed after it was checked.", "Look at it again before you start."
            )


class SentPart(io.RawIOBase):
    """A range of what is sent, as a file that a client reads from its beginning."""

    def __init__(
        self, content: SentContent, start: int, end: int, told: Callable[[int], None]
    ) -> None:
        super().__init__()
        self._content = content
        self._start = start
        self._size = end - start
        self._at = 0
        self._told = told

    def readable(self) -> bool:
        """It can be read."""
        return True

    def seekable(self) -> bool:
        """It can be read again."""
        return True

    def tell(self) -> int:
        """The place that is read next, from the beginning of the range."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, min(self._size, base + offset))
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes.

        Raises:
            OSError: the file cannot be read, or was cut short.
        """
        left = self._size - self._at
        wanted = left if size < 0 else min(size, left)
        if not wanted:
            return b""
        data = self._content.read(self._start + self._at, wanted)
        if len(data) < wanted:
            raise OSError(f"{self._content.path} was cut short while it was sent")
        self._at += wanted
        self._told(self._at)
        return data
