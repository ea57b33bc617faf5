"""The bytes of an upload, read on demand, never all at once."""

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
    """Hexadecimal digests of all uploaded bytes."""

    sha256: str
    md5: str


class UploadContent:
    """An open file, preceded by a byte order mark if the server expects one.

    Attributes:
        path: the file.
        stamp: of the file when it was opened.
        size: bytes to upload.
    """

    def __init__(self, path: Path, file: BinaryIO, *, marked: bool) -> None:
        """Wrap an open file; use `open`."""
        self.path = path
        self._file = file
        self.stamp = Stamp.of(os.fstat(file.fileno()))
        start = os.pread(file.fileno(), len(BOM), 0)
        self._mark = BOM if marked and start != BOM else b""
        self.size = self.stamp.size + len(self._mark)

    @classmethod
    async def open(cls, path: Path, *, marked: bool = False) -> Self:
        """Open a file.

        Args:
            path: the file.
            marked: whether to begin with UTF-8's byte order mark.

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
        raise InputError(f"The file {path} is empty.", "Choose a file with examples.")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def read(self, offset: int, count: int) -> bytes:
        """Read `count` bytes at an offset; fewer only at the end.

        Raises:
            OSError: the file cannot be read.
        """
        mark = self._mark[offset : offset + count]
        at = max(0, offset - len(self._mark))
        return mark + os.pread(self._file.fileno(), count - len(mark), at)

    def part(self, start: int, end: int, report: Callable[[int], None]) -> BinaryIO:
        """A range as a file object; `report` gets the bytes read of it so far."""
        # The client is typed with BinaryIO, which no class of `io` satisfies.
        return cast("BinaryIO", UploadPart(self, start, min(end, self.size), report))

    async def digests(self, report: Callable[[int], None]) -> Digests:
        """Digest everything; `report` gets the bytes read so far.

        Raises:
            FileError: the file cannot be read or changed meanwhile.
        """
        sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        for offset in range(0, self.size, _BLOCK):
            report(offset)
            await asyncio.to_thread(self._digest, offset, sha256, md5)
        await self.require_unchanged()
        return Digests(sha256.hexdigest(), md5.hexdigest())

    def _digest(self, offset: int, *hashes: hashlib._Hash) -> None:
        try:
            block = self.read(offset, _BLOCK)
        except OSError as error:
            raise explain(error, self.path) from error
        for digest in hashes:
            digest.update(block)

    async def require_unchanged(self, since: Stamp | None = None) -> None:
        """Require that the file is unchanged since it was opened, and since a stamp if given.

        Raises:
            FileError: it changed.
        """
        try:
            stamp = Stamp.of(await asyncio.to_thread(self.path.stat))
        except OSError as error:
            raise explain(error, self.path) from error
        if stamp != self.stamp or since not in (None, stamp):
            raise FileError(
                f"{self.path} changed after it was checked.", "Check it again before you start."
            )


class UploadPart(io.RawIOBase):
    """A range of an upload as a file object."""

    def __init__(
        self, content: UploadContent, start: int, end: int, report: Callable[[int], None]
    ) -> None:
        super().__init__()
        self._content = content
        self._start = start
        self._size = end - start
        self._offset = 0
        self._report = report

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """The offset in the range."""
        return self._offset

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Set the offset in the range."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._offset, os.SEEK_END: self._size}[whence]
        self._offset = max(0, min(self._size, base + offset))
        return self._offset

    def read(self, size: int = -1, /) -> bytes:
        """Read the next bytes.

        Raises:
            OSError: the file cannot be read or was truncated.
        """
        remaining = self._size - self._offset
        count = remaining if size < 0 else min(size, remaining)
        if not count:
            return b""
        data = self._content.read(self._start + self._offset, count)
        if len(data) < count:
            raise OSError(f"{self._content.path} was truncated during the upload")
        self._offset += count
        self._report(self._offset)
        return data
