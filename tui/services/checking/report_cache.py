"""Reports of checks cached in the workspace, so that opening a file again is instant.

A report belongs to the file's content (SHA-256), the options and the code of the checks. A second
index maps stamps of files to contents, so an untouched file is not even read again.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import struct
import sys
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import IO, Any

import orjson

from tui.domain.rows.check_options import CheckOptions
from tui.domain.rows.formats import Format
from tui.services.errors import FileError
from tui.services.reading.row_file import Stamp
from tui.services.workspace.files import Buffer, write_atomic

KEPT = 10
"""Number of reports that are kept, the newest."""
_MAGIC = b"ftui report\n"
_ENDING = ".report"
_STAMPS = "stamps.json"
_STAMPS_KEPT = 100
_PREFIX = struct.Struct("<QL")
"""Length and checksum of the head."""
_SETTLED = 2.0
"""Seconds after a change from which a further change is sure to alter the file's time."""
_BLOCK = 1 << 22
_LARGEST = 1 << 28
"""Most bytes of a report; one of 1,000,000 rows has about 120 million."""
_PACKAGE = Path(__file__).parents[2]
REPORT_ROOMS = (
    "domain/conversion",
    "domain/rows",
    "domain/rules",
    "services/checking",
    "services/reading",
)
"""Folders whose code determines a report."""
REPORT_FILES = ("domain/text.py",)
"""Files that determine a report, beside those of the folders."""
_HEX = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ReportKey:
    """Key of a report.

    Attributes:
        path: the file.
        stamp: stamp of the file when it was opened.
        rules: digest of everything else, made by `report_key`.
    """

    path: Path
    stamp: Stamp
    rules: str


@dataclass(frozen=True, slots=True)
class CachedReport:
    """A report in the cache.

    Attributes:
        facts: JSON values by name.
        arrays: arrays of numbers by name. After loading they are bytes for `array.frombytes`; each
            is read on access, so that they are never all in memory.
    """

    facts: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, Buffer] = field(default_factory=dict)


def report_key(
    path: Path, stamp: Stamp, kind: Format, options: CheckOptions, *more: str
) -> ReportKey:
    """The key of a file's report.

    Args:
        path: the file.
        stamp: stamp of the file when it was opened.
        kind: the format it is checked as.
        options: options of the check.
        more: whatever else changes a report, such as the token counter.
    """
    fields = asdict(options) | {"off": sorted(options.off)}
    parts = [code_digest(), sys.byteorder, kind.value, fields, *more]
    return ReportKey(path, stamp, _digest(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)))


class ReportCache:
    """The reports in a folder of the workspace, which is created with the first of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def load(self, key: ReportKey) -> CachedReport | None:
        """Load the report of a file; None where there is none, or it is damaged."""
        try:
            return await asyncio.to_thread(self._load, key)
        except (OSError, ValueError, FileError):
            return None

    async def save(self, key: ReportKey, report: CachedReport) -> bool:
        """Store a report and remove the oldest ones.

        Returns:
            Whether it was stored: not where the file changed, the workspace cannot be written, or
            the report is too large.
        """
        try:
            content = await asyncio.to_thread(_content, key)
            head = await asyncio.to_thread(_head, report)
            parts = [head, *report.arrays.values()]
            if sum(memoryview(part).nbytes for part in parts) > _LARGEST:
                return False
            await write_atomic(self._path(content, key), *parts)
            await asyncio.to_thread(self._remove_old)
            await self._store_stamp(key, content)
        except (OSError, FileError):
            return False
        return True

    def _path(self, content: str, key: ReportKey) -> Path:
        return self._folder / f"{content}-{key.rules}{_ENDING}"

    def _load(self, key: ReportKey) -> CachedReport | None:
        """Load by stamp, otherwise by content, which is only read where a report may match.

        Raises:
            OSError: the file or the report cannot be read.
            ValueError: the report is damaged.
            FileError: the file has changed.
        """
        content = self._load_stamps().get(_stamp_digest(key))
        if content is None and not any(self._folder.glob(f"*-{key.rules}{_ENDING}")):
            return None
        path = self._path(content or _content(key), key)
        return _read(path) if path.exists() else None

    def _load_stamps(self) -> dict[str, str]:
        """Digest of the stamp -> digest of the content of checked files, oldest first."""
        try:
            stamps = orjson.loads((self._folder / _STAMPS).read_bytes())
        except (OSError, orjson.JSONDecodeError):
            return {}
        if not isinstance(stamps, dict):
            return {}
        return {
            stamp: digest
            for stamp, digest in stamps.items()
            if isinstance(digest, str) and _HEX.fullmatch(digest)
        }

    async def _store_stamp(self, key: ReportKey, content: str) -> None:
        """Store the content of a file, unless it is too new for its time to be reliable."""
        if time.time() - key.stamp.changed_ns / 1e9 < _SETTLED:
            return
        stamps = self._load_stamps()
        stamps.pop(_stamp_digest(key), None)
        stamps = dict([*stamps.items(), (_stamp_digest(key), content)][-_STAMPS_KEPT:])
        await write_atomic(self._folder / _STAMPS, orjson.dumps(stamps))

    def _remove_old(self) -> None:
        reports = [(path.stat().st_mtime_ns, path) for path in self._folder.glob(f"*{_ENDING}")]
        for _, path in sorted(reports)[:-KEPT]:
            path.unlink(missing_ok=True)


def _content(key: ReportKey) -> str:
    """SHA-256 of the file, which must be the one that was opened.

    Raises:
        OSError: it cannot be read.
        FileError: it has changed.
    """
    digest = hashlib.sha256()
    with key.path.open("rb", buffering=0) as file:
        before = Stamp.of(os.fstat(file.fileno()))
        while block := file.read(_BLOCK):
            digest.update(block)
        after = Stamp.of(os.fstat(file.fileno()))
    if not before == after == key.stamp:
        raise FileError(f"{key.path} changed while it was read.", "Open it again.")
    return digest.hexdigest()


def _stamp_digest(key: ReportKey) -> str:
    stamp = (key.stamp.size, key.stamp.changed_ns, key.stamp.inode)
    return _digest(os.fsencode(key.path.absolute()) + repr(stamp).encode())


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


@cache
def code_digest(package: Path = _PACKAGE) -> str:
    """Digest of the code that makes reports, so that none outlives the rules it was made by.

    Args:
        package: folder of the package `tui`.
    """
    digest = hashlib.sha256()
    files = [package / file for file in REPORT_FILES]
    for room in REPORT_ROOMS:
        files += sorted((package / room).rglob("*.py"))
    for path in files:
        name = path.relative_to(package).as_posix()
        digest.update(name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _head(report: CachedReport) -> bytes:
    """The head of a report file: the facts, and the size and checksum of each array."""
    arrays = [
        (name, memoryview(data).nbytes, zlib.crc32(data)) for name, data in report.arrays.items()
    ]
    head = orjson.dumps({"facts": report.facts, "arrays": arrays})
    return _MAGIC + _PREFIX.pack(len(head), zlib.crc32(head)) + head


def _read(path: Path) -> CachedReport:
    """Read a file of the cache.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged, or not a report.
    """
    file = path.open("rb")
    start = len(_MAGIC) + _PREFIX.size
    prefix = file.read(start)
    if len(prefix) < start or not prefix.startswith(_MAGIC):
        raise ValueError("not a report")
    size, checksum = _PREFIX.unpack_from(prefix, len(_MAGIC))
    raw_head = file.read(min(size, _LARGEST))
    if zlib.crc32(raw_head) != checksum:
        raise ValueError("not a whole report")
    head = orjson.loads(raw_head)
    arrays = _Arrays(file, start + size, head["arrays"])
    arrays.verify()
    return CachedReport(head["facts"], arrays)


class _Arrays(Mapping[str, bytes]):
    """The arrays of a report, read from its file on access."""

    def __init__(self, file: IO[bytes], start: int, arrays: list[tuple[str, int, int]]) -> None:
        self._file = file
        self._places: dict[str, tuple[int, int, int]] = {}
        for name, size, checksum in arrays:
            self._places[name] = start, size, checksum
            start += size
        self._end = start

    def __getitem__(self, name: str) -> bytes:
        start, size, checksum = self._places[name]
        data = os.pread(self._file.fileno(), size, start)
        if zlib.crc32(data) != checksum:
            raise ValueError(f"{name} is damaged")
        return data

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def verify(self) -> None:
        """Check that all arrays are there and undamaged.

        Raises:
            OSError: the file cannot be read.
            ValueError: an array is damaged.
        """
        if os.fstat(self._file.fileno()).st_size != self._end:
            raise ValueError("the report has another size")
        for name in self:
            self[name]
