"""Training files: open one of any size, look at its rows, check it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict

from tui.domain.examples import Example, Format, detect_format
from tui.domain.problems import Problem
from tui.domain.row_reading import BOM
from tui.domain.rules import check_line, example_of, inspect_row
from tui.domain.text import preview
from tui.services.dataset_check import (
    CheckProgress,
    Findings,
    duplicate_problem,
    file_problems,
    find_rows,
    leak_problem,
    run_check,
)
from tui.services.errors import FileError
from tui.services.files import explain
from tui.services.row_checks import Chunk, Status, check_content, quality_problems
from tui.services.row_file import RowFile
from tui.services.tokens import counter_name

__all__ = ["CheckProgress", "Dataset", "DatasetReport", "Datasets", "RowView", "Status"]

ALL = 1 << 62
"""Keep every problem."""
_LOOKED_AT = 200
_SHOWN = 300


class TokenCount(BaseModel):
    """Tokens in all rows without errors, and what counted them."""

    model_config = ConfigDict(frozen=True)

    total: int
    counter: str


class DatasetReport(BaseModel):
    """What a check found.

    Attributes:
        file: path as it was given.
        format: of the rows.
        rows: number of rows; blank lines are none.
        valid: rows without an error, those with warnings included.
        invalid: rows with an error.
        warned: rows with warnings only.
        tokens: in the valid rows.
        problems: those of the file, then those of the rows by line.
        duplicates: rows that say the same as an earlier one.
        codes: how often each code was found, also where not all problems are kept.
    """

    model_config = ConfigDict(frozen=True)

    file: str
    format: Format
    rows: int
    valid: int
    invalid: int
    warned: int
    tokens: TokenCount
    problems: list[Problem]
    duplicates: int
    codes: dict[str, int]

    @property
    def usable(self) -> bool:
        """Whether neither the file nor a row has an error."""
        return not self.invalid and not self.file_errors

    @property
    def file_errors(self) -> list[Problem]:
        """Errors of the file as a whole."""
        return [one for one in self.problems if one.line is None and one.severity == "error"]


@dataclass(frozen=True, slots=True)
class RowView:
    """One row as a table shows it; texts are scrubbed and short.

    Attributes:
        row: number of the row, from 0.
        line: number of its line, from 1.
        status: how it stands; `UNCHECKED` is never given here.
        problems: errors first.
        turns: number of messages.
        user: the user's last text.
        assistant: the assistant's last text.
    """

    row: int
    line: int
    status: Status
    problems: tuple[Problem, ...]
    turns: int
    user: str
    assistant: str


@dataclass(frozen=True, slots=True)
class RowDetail:
    """One row in full.

    Attributes:
        view: as the table shows it.
        example: what could be read, also of a row with errors; None where nothing could.
        raw: the beginning of the line's text, for a row that is no example. Not scrubbed.
    """

    view: RowView
    example: Example | None
    raw: str


class Dataset:
    """An open training file."""

    def __init__(self, path: Path, rows: RowFile, kind: Format) -> None:
        self.path = path
        self.format = kind
        self.report: DatasetReport | None = None
        self._rows = rows
        self._found = Findings()

    def __len__(self) -> int:
        """Rows found so far."""
        return len(self._rows)

    async def changed(self) -> bool:
        """Whether the file on disk is another one by now."""
        return await asyncio.to_thread(self._rows.changed)

    async def rows(self, start: int, count: int) -> list[RowView]:
        """Rows as a table shows them, fewer at the end of the file.

        Raises:
            FileError: the file cannot be read any more.
        """
        return [detail.view for detail in await self._read(range(start, start + count))]

    async def detail(self, row: int) -> RowDetail:
        """One row in full.

        Raises:
            FileError: the file cannot be read any more, or has no such row.
        """
        found = await self._read(range(row, row + 1))
        if not found:
            raise FileError(f"{self.path} has no row {row + 1}.")
        return found[0]

    async def find_rows(self) -> None:
        """Look through the whole file for rows.

        Raises:
            FileError: the file cannot be read, or changed meanwhile.
        """
        async for _ in find_rows(self._rows):
            pass

    def line(self, row: int) -> int:
        """Number of the line of a row, from 1."""
        return self._rows.line(row)

    def read_raw(self, row: int) -> bytes:
        """The bytes of one row; for threads, since it reads the file.

        Raises:
            OSError: the file cannot be read any more.
        """
        return self._rows.read(row)

    def next_problem(self, row: int, step: int) -> int | None:
        """The nearest row after (step 1) or before (step -1) that is known to have a problem."""
        status = self._found.status
        bad = (bytes([Status.WARNED]), bytes([Status.INVALID]))
        if step > 0:
            hits = [at for one in bad if (at := status.find(one, row + 1)) >= 0]
            return min(hits, default=None)
        hits = [at for one in bad if (at := status.rfind(one, 0, max(0, row))) >= 0]
        return max(hits, default=None)

    async def check(
        self, *, keep: int = ALL, against: Dataset | None = None
    ) -> AsyncIterator[CheckProgress]:
        """Check every row; `report` is there at the end.

        Args:
            keep: row problems to keep in the report; counts are of all.
            against: a validation file whose rows must not stand in this one.

        Raises:
            FileError: the file cannot be read, or changed meanwhile.
        """
        others = await against.fingerprints() if against else None
        self.report, self._found = None, Findings()
        steps = run_check(self._rows, self.format, self._found, keep=keep, others=others)
        async for progress in steps:
            yield progress
        self.report = self._make_report()

    async def checked(self, *, against: Dataset | None = None) -> DatasetReport:
        """Check every row and give the report.

        Raises:
            FileError: the file cannot be read, or changed meanwhile.
        """
        async for _ in self.check(against=against):
            pass
        assert self.report
        return self.report

    async def fingerprints(self) -> dict[int, int]:
        """What each row says, as a number -> the line it first stands on.

        Raises:
            FileError: the file cannot be read.
        """
        await self.find_rows()
        rows = self._rows
        chunk = Chunk(rows.path, rows.start(0), rows.size, rows.line(0), self.format)
        checked = await asyncio.to_thread(check_content, chunk, 0)
        known: dict[int, int] = {}
        for row, print_ in enumerate(checked.prints):
            if print_:
                known.setdefault(print_, rows.line(row))
        return known

    def _make_report(self) -> DatasetReport:
        found, rows = self._found, len(self._rows)
        whole = file_problems(found, self.format, rows)
        invalid = found.count(Status.INVALID)
        codes = found.codes + Counter(one.code for one in whole)
        return DatasetReport(
            file=str(self.path),
            format=self.format,
            rows=rows,
            valid=rows - invalid,
            invalid=invalid,
            warned=found.count(Status.WARNED),
            tokens=TokenCount(total=found.tokens, counter=counter_name()),
            problems=[*whole, *sorted(found.problems, key=_by_line)],
            duplicates=len(found.duplicates),
            codes=dict(codes),
        )

    async def _read(self, wanted: range) -> list[RowDetail]:
        try:
            return await asyncio.to_thread(self._read_now, wanted)
        except OSError as error:
            raise explain(error, self.path) from error

    def _read_now(self, wanted: range) -> list[RowDetail]:
        inside = range(max(0, wanted.start), min(wanted.stop, len(self._rows)))
        return [self._detail(row) for row in inside]

    def _detail(self, row: int) -> RowDetail:
        raw, line = self._rows.read(row), self._rows.line(row)
        sound, problems = check_line(raw, line, self.format)
        if sound:
            problems = problems + quality_problems(sound, line, self.format)
        if row in self._found.duplicates:
            problems.append(duplicate_problem(self._rows, self._found, row))
        if row in self._found.leaks:
            problems.append(leak_problem(self._rows, self._found, row))
        example = sound or _shown(raw, self.format)
        text = raw[: 4 * _SHOWN].decode(errors="replace")
        view = RowView(
            row,
            line,
            _worst(problems),
            tuple(problems),
            example.turns if example else 0,
            preview(example.last_text("user") if example else text, _SHOWN),
            preview(example.last_text("assistant"), _SHOWN) if example else "",
        )
        return RowDetail(view, example, "" if example else raw[:65_536].decode(errors="replace"))


class Datasets:
    """Opens training files."""

    async def open(self, path: Path, kind: Format | None = None) -> Dataset:
        """Open a file and read its first rows, however large it is.

        Args:
            path: the file.
            kind: its format; told by its first rows where None.

        Raises:
            FileError: it cannot be read, is a folder or holds no rows.
        """
        try:
            return await asyncio.to_thread(_open, path, kind)
        except OSError as error:
            raise explain(error, path) from error


def _open(path: Path, kind: Format | None) -> Dataset:
    rows = RowFile(path)
    while not len(rows) and rows.scan():
        pass
    if not len(rows):
        raise FileError(f"{path} is empty: it holds no rows.", "Give a file with examples.")
    return Dataset(path, rows, kind or _format_of(rows))


def _format_of(rows: RowFile) -> Format:
    """The format that most of the first rows have; chat where no row can be read."""
    seen: Counter[Format] = Counter()
    for row in range(min(len(rows), _LOOKED_AT)):
        try:
            value: Any = orjson.loads(rows.read(row).removeprefix(BOM))
        except orjson.JSONDecodeError:
            continue
        if isinstance(value, dict):
            seen[detect_format(value)] += 1
    known = [kind for kind, _ in seen.most_common() if kind is not Format.UNKNOWN]
    return known[0] if known else Format.UNKNOWN if seen else Format.CHAT


def _shown(raw: bytes, kind: Format) -> Example | None:
    """What can be shown of a row with errors."""
    row, _ = inspect_row(raw, kind)
    return example_of(row, detect_format(row)) if row else None


def _worst(problems: list[Problem]) -> Status:
    if not problems:
        return Status.OK
    errors = any(one.severity == "error" for one in problems)
    return Status.INVALID if errors else Status.WARNED


def _by_line(one: Problem) -> int:
    return one.line or 0
