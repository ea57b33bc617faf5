"""Opening training files of any size; what is open is a `Dataset`."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui.domain.rows.check_options import DEFAULT_OPTIONS, CheckOptions
from tui.domain.rows.formats import Format, detect_format
from tui.domain.rows.parsing import BOM, json_value, parse
from tui.services.checking.dataset_check import CheckProgress
from tui.services.checking.findings import Counts
from tui.services.checking.findings_cache import FindingsCache
from tui.services.checking.passes import Status
from tui.services.checking.report import DatasetReport, TokenCount
from tui.services.checking.report_cache import ReportCache
from tui.services.datasets.dataset import ALL, Dataset
from tui.services.datasets.row_views import RowDetail, RowView
from tui.services.errors import FileError
from tui.services.reading.containers import open_rows
from tui.services.reading.row_file import RowFile
from tui.services.workspace.files import explain

if TYPE_CHECKING:
    from tui.settings import Settings

__all__ = [
    "ALL",
    "CheckProgress",
    "Counts",
    "Dataset",
    "DatasetReport",
    "Datasets",
    "RowDetail",
    "RowView",
    "Status",
    "TokenCount",
]

_SAMPLED_ROWS = 200
"""Rows from which the format is detected."""
_DIAGNOSED_BYTES = 1 << 20


class Datasets:
    """Opens training files."""

    def __init__(self, settings: Settings | None = None) -> None:
        """Open files with the check options of the settings."""
        self._options = settings.check if settings else DEFAULT_OPTIONS
        self._home = settings.home if settings else Path()
        reports = settings.workspace / "reports" if settings else None
        self._cache = FindingsCache(ReportCache(reports)) if reports else None

    async def open(
        self,
        path: Path,
        kind: Format | None = None,
        options: CheckOptions | None = None,
        encoding: str | None = None,
    ) -> Dataset:
        """Open a file and read its first rows, however large it is.

        Args:
            path: the file.
            kind: its format; detected from its first rows where None.
            options: options of its check; those of the settings where None.
            encoding: codec of its text; UTF-8, or the UTF-16 or UTF-32 that it shows, where None.

        Raises:
            FileError: it cannot be read, is a folder, is not in the encoding or holds no rows.
        """
        try:
            rows = await asyncio.to_thread(_open_rows, path, encoding)
            if kind is None:
                kind = await asyncio.to_thread(_detect_format, rows)
        except OSError as error:
            raise explain(error, path) from error
        return Dataset(path, rows, kind, options or self._options, self._home, self._cache)


def _open_rows(path: Path, encoding: str | None) -> RowFile:
    """The rows of a file, the first of which have been found."""
    rows = open_rows(path, encoding)
    while not _has_row(rows) and rows.scan():
        pass
    if not _has_row(rows):
        raise FileError(f"{path} is empty: it has no rows.", "Choose a file with examples.")
    return rows


def _has_row(rows: RowFile) -> bool:
    """Whether a row was found; a byte order mark alone is none."""
    return len(rows) > 1 or (len(rows) == 1 and rows.read(0).strip() != BOM)


def _detect_format(rows: RowFile) -> Format:
    """The most common format of the first rows, also of invalid ones; chat where none can be read.

    Lines none of which looks like JSON are plain text.
    """
    formats: Counter[Format] = Counter()
    plain_text = True
    for row in range(min(len(rows), _SAMPLED_ROWS)):
        raw = rows.read(row).removeprefix(BOM)
        plain_text = plain_text and not raw.lstrip().startswith((b"{", b"["))
        value = _parsed(raw)
        plain_text = plain_text and value is None
        if isinstance(value, dict):
            formats[detect_format(value)] += 1
    recognised = [kind for kind, _ in formats.most_common() if kind is not Format.UNKNOWN]
    if recognised:
        return recognised[0]
    return Format.UNKNOWN if formats else Format.TEXT if plain_text else Format.CHAT


def _parsed(raw: bytes) -> Any:
    """The value of a line; of an invalid one what can be read, unless that would take long."""
    return parse(raw)[0] if len(raw) <= _DIAGNOSED_BYTES else json_value(raw)
