"""An open training file: its rows, its check, and the edits that are not written yet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tui.domain.rows.check_options import DEFAULT_OPTIONS, CheckOptions
from tui.domain.rows.edits import Edits, EditStep, RowEdit
from tui.domain.rows.formats import Format
from tui.domain.rows.problems import Problem
from tui.domain.rules.whole_file import check_shared
from tui.services.checking.dataset_check import (
    Check,
    CheckProgress,
    chunks,
    file_changed,
)
from tui.services.checking.file_encoding import likely_encodings
from tui.services.checking.findings import DUPLICATE, NEAR, Counts, Findings
from tui.services.checking.findings_cache import FindingsCache
from tui.services.checking.incremental_check import IncrementalCheck
from tui.services.checking.model_files import template_supports_tools
from tui.services.checking.near_comparison import texts_of
from tui.services.checking.near_duplicate_search import text_of_row
from tui.services.checking.passes import CheckPlan, Chunk, Status
from tui.services.checking.report import DatasetReport, file_problems, format_problems, make_report
from tui.services.checking.row_relations import OtherFile, RowRelations
from tui.services.checking.token_counters import context_of, counter_for
from tui.services.datasets.row_views import RowDetail, RowView, row_detail
from tui.services.errors import FileError
from tui.services.reading.row_file import RowFile, Stamp, rows_between
from tui.services.workspace.files import explain

if TYPE_CHECKING:
    from tui.domain.rows.row_statistics import Statistics

ALL = 1 << 62
"""Limit that keeps every problem."""
_BLOCK = 1 << 22


class Dataset:
    """An open training file with its pending edits.

    Attributes:
        path: the file, as it was given.
        format: format of its rows.
        options: the options of its check.
        report: result of the check of the file on disk; None until the check has finished.
        statistics: statistics of the rows on disk; None until the check has finished.
        file_problems: problems of the whole file, pending edits included; empty until the check
            has finished.
        container: how the file holds its rows.
        packed: whether the file is compressed.
        encoding: codec of its text.
        shape: the shape of its rows where they are converted while they are read.
        edits: the pending edits. Only `change`, `undo` and `redo` alter them.
    """

    def __init__(
        self,
        path: Path,
        rows: RowFile,
        kind: Format,
        options: CheckOptions = DEFAULT_OPTIONS,
        home: Path = Path(),
        cache: FindingsCache | None = None,
    ) -> None:
        self.path = path
        self.format = kind
        self.options = options
        self.report: DatasetReport | None = None
        self.statistics: Statistics | None = None
        self.file_problems: Sequence[Problem] = ()
        self.container = rows.container
        self.packed = rows.packed
        self.encoding = rows.encoding
        self.shape = rows.shape
        self.edits = Edits()
        self._rows = rows
        self._home = home
        self._cache = cache
        self._reset(CheckPlan(kind, options, 0), {}, Findings())

    def __len__(self) -> int:
        """Rows found so far."""
        return len(self._rows)

    async def changed(self) -> bool:
        """Whether the file on disk has changed since it was opened."""
        return await asyncio.to_thread(self._rows.changed)

    def line(self, row: int) -> int:
        """Number of the line of a row, from 1."""
        return self._rows.line(row)

    def current_raw(self, row: int) -> bytes:
        """The bytes of one row, pending edits included. Reads the file: call it in a thread.

        Raises:
            OSError: the file cannot be read any more.
        """
        raw = self.edits.of(row).raw
        return self._rows.read(row) if raw is None else raw

    def blocks(self) -> Iterator[tuple[int, list[bytes]]]:
        """Blocks of rows of the source, each with the number of its first row.

        Raises:
            OSError: the file cannot be read any more.
            FileError: it changed meanwhile.
        """
        for part in chunks(self._rows, _BLOCK):
            raws = [raw for _, raw in rows_between(part.path, part.start, part.end, part.line)]
            if len(raws) != part.rows:
                raise file_changed(self._rows)
            yield part.row, raws

    async def rows(self, numbers: Sequence[int]) -> list[RowView]:
        """Rows as a table shows them; numbers beyond the end are skipped.

        Raises:
            FileError: the file cannot be read any more.
        """
        return [detail.view for detail in await self._read(numbers)]

    async def detail(self, row: int) -> RowDetail:
        """One row in full.

        Raises:
            FileError: the file cannot be read any more, or has no such row.
        """
        details = await self._read((row,))
        if not details:
            raise FileError(f"{self.path} has no row {row + 1}.")
        return details[0]

    def status(self, row: int) -> Status:
        """The status of a row, as far as it has been checked."""
        if self.edits.of(row).excluded:
            return Status.EXCLUDED
        known = self._findings.status
        return Status(known[row]) if row < len(known) else Status.UNCHECKED

    def codes(self, row: int) -> tuple[str, ...]:
        """The codes of the problems found in a row so far."""
        return tuple(self._findings.codes_of(row))

    def rows_with(self, code: str) -> Sequence[int]:
        """The rows with a problem, ascending, without excluded ones."""
        return self._findings.rows_with(code)

    def statuses(self) -> Sequence[int]:
        """The `Status` of each row that has been checked."""
        return self._findings.status

    def token_counts(self) -> Sequence[int]:
        """Tokens of each row that has been counted."""
        return self._findings.tokens

    def lengths(self) -> Sequence[int]:
        """Characters of the last answer of each row that has been checked."""
        return self._findings.lengths

    def counts(self) -> Counts:
        """Row counts by status, as far as rows have been checked."""
        findings, edits = self._findings, self.edits.counts
        warned = findings.count(Status.WARNED)
        return Counts(
            rows=len(self),
            valid=findings.count(Status.OK) + warned,
            invalid=findings.count(Status.INVALID),
            warned=warned,
            duplicates=sum(len(findings.links_of(code)) for code in (DUPLICATE, NEAR)),
            excluded=edits.excluded,
            edited=edits.edited,
        )

    def group(self, row: int) -> int:
        """The first row of the duplicates and near duplicates of a row; itself if it has none."""
        links = self._findings.same, self._findings.near
        while others := [other for link in links if (other := link.get(row)) is not None]:
            row = others[0]
        return row

    @property
    def data_size(self) -> int:
        """Bytes of all rows, unpacked."""
        return self._rows.data_size

    @property
    def stamp(self) -> Stamp:
        """The stamp of the file when it was opened."""
        return self._rows.stamp

    @property
    def container_label(self) -> str:
        """How the file holds its rows, such as `a JSON array`; empty for plain lines."""
        return self._rows.container_label

    def format_problems(self) -> list[Problem]:
        """Why the rows cannot be used for training as they are; needs no check, reads few rows."""
        return format_problems(self._rows, self._plan)

    async def likely_encodings(self) -> tuple[str, ...] | None:
        """The encodings that a file which is not UTF-8 may be in; None where it is, or mixes them.

        Raises:
            FileError: the file cannot be read any more.
        """
        try:
            return await asyncio.to_thread(likely_encodings, self._rows, self._findings)
        except OSError as error:
            raise explain(error, self.path) from error

    def parts(self, size: int) -> Iterator[Chunk]:
        """Chunks of about `size` bytes of the source, for worker processes to read."""
        return chunks(self._rows, size)

    def next_problem(self, row: int, step: int) -> int | None:
        """The nearest row with a problem after (`step` 1) or before (`step` -1) a row."""
        status = self._findings.status
        problem_values = (bytes([Status.WARNED]), bytes([Status.INVALID]))
        if step > 0:
            hits = [hit for value in problem_values if (hit := status.find(value, row + 1)) >= 0]
            return min(hits, default=None)
        hits = [
            hit for value in problem_values if (hit := status.rfind(value, 0, max(0, row))) >= 0
        ]
        return max(hits, default=None)

    async def check(
        self, *, keep: int = ALL, against: Mapping[str, Dataset] | None = None
    ) -> AsyncIterator[CheckProgress]:
        """Check every row; sets `report` and `statistics` at the end.

        The source is checked first, then the rows with pending edits.

        Args:
            keep: row problems to list in the report; all are counted.
            against: `validation` or `test` -> a file that must share no rows with this one.

        Raises:
            FileError: a file cannot be read, or changed during the check.
        """
        against = against or {}
        for name, other, beside in _in_turn(against):
            if other.report is None:
                async for progress in other.check(keep=0, against=beside):
                    yield replace(progress, share=0.0, label=f"checking the {name} file")
        plan = await asyncio.to_thread(self._make_plan, keep)
        cached = await self._cache.load(self._rows, plan) if self._cache else None
        self._reset(plan, against, cached.findings if cached else Findings())
        check = Check(self._rows, self._findings, plan, self._relations)
        if cached:
            await asyncio.to_thread(self._relations.resume)
        else:
            async for progress in check.run():
                yield progress
            if self._cache:
                await self._cache.save(self._rows, plan, self._findings)
        async for progress in check.compare_files():
            yield progress
        self.statistics, self.report = await asyncio.to_thread(self._summarise, plan)
        await self._update_findings(self.edits.pending)

    def _make_plan(self, keep: int) -> CheckPlan:
        """The plan of a check: the token counter, and what is known of the model."""
        options, home = self.options, self._home
        context = options.context or (context_of(options.model, home) if options.model else 0)
        tools = options.tools_supported
        if tools is None:
            tools = template_supports_tools(options.model, home)
        options = replace(options, context=context, tools_supported=tools)
        return CheckPlan(self.format, options, keep, counter_for(options.model, home))

    def _reset(self, plan: CheckPlan, against: Mapping[str, Dataset], findings: Findings) -> None:
        """Start from the given findings."""
        self.report = self.statistics = None
        self.file_problems = ()
        self._findings = findings
        self._plan = plan
        self._against = against
        others = {name: other.as_other() for name, other in against.items()}
        self._relations = RowRelations(
            self._findings, plan.options, self._rows.line, self._text, others
        )
        self._incremental_check = IncrementalCheck(self._rows, plan, self._relations)

    def _text(self, row: int) -> str:
        """The text by which a row is compared with others."""
        return text_of_row(self.current_raw(row), self.format, self._plan.options)

    def _summarise(self, plan: CheckPlan) -> tuple[Statistics, DatasetReport]:
        # Loaded on the first check: the first paint does not need it.
        from tui.domain.rows.row_statistics import Tally, summarise_tally

        statistics = summarise_tally(self._findings.tally or Tally(), plan.options)
        file_level = self._file_level_problems(statistics)
        return statistics, make_report(str(self.path), plan, self._findings, file_level)

    def _file_level_problems(self, statistics: Statistics) -> list[Problem]:
        """Problems of the whole file, pending edits included."""
        validated = "validation" in self._against
        file_level = file_problems(self._findings, self._plan, statistics, self._rows, validated)
        validation = self._against.get("validation")
        return file_level + (validation.shared_with_test() if validation else [])

    def shared_with_test(self) -> list[Problem]:
        """Problems of the rows that this validation file shares with the test file."""
        same, near = (
            [self.line(row) for row in self.rows_with(code)] for code in ("leaked-row", "near-leak")
        )
        return check_shared(same, near, self.options)

    def as_other(self) -> OtherFile:
        """This file, once checked, as one that another file is compared with."""
        findings, rows, plan = self._findings, self._rows, self._plan
        return OtherFile(
            findings.fingerprints,
            rows.line,
            findings.marks,
            findings.sketches,
            self._text,
            partial(texts_of, rows, plan),
        )

    async def change(self, description: str, after: Mapping[int, RowEdit]) -> EditStep | None:
        """Change rows in memory and check them again.

        Args:
            description: text of the change, for the list of changes.
            after: the edits, by row.

        Returns:
            The change; None where nothing changed.

        Raises:
            FileError: the file cannot be read any more.
        """
        return await self._edit(lambda: self.edits.do(description, after))

    async def undo(self) -> EditStep | None:
        """Undo the last change; None where there is none.

        Raises:
            FileError: the file cannot be read any more.
        """
        return await self._edit(self.edits.undo)

    async def redo(self) -> EditStep | None:
        """Redo the change that was undone last; None where there is none.

        Raises:
            FileError: the file cannot be read any more.
        """
        return await self._edit(self.edits.redo)

    async def _edit(self, act: Callable[[], EditStep | None]) -> EditStep | None:
        step = act()
        if step and self.report:
            await self._update_findings(step.after)
        return step

    async def _update_findings(self, rows: Collection[int]) -> None:
        """Check edited rows again and update the findings."""
        try:
            await asyncio.to_thread(self._incremental_check.update, [*rows], self.edits.of)
        except OSError as error:
            raise explain(error, self.path) from error
        if self.statistics:
            self.file_problems = await asyncio.to_thread(self._file_level_problems, self.statistics)

    async def _read(self, numbers: Sequence[int]) -> list[RowDetail]:
        try:
            return await asyncio.to_thread(self._read_now, numbers)
        except OSError as error:
            raise explain(error, self.path) from error

    def _read_now(self, numbers: Sequence[int]) -> list[RowDetail]:
        return [self._detail(row) for row in numbers if 0 <= row < len(self._rows)]

    def _detail(self, row: int) -> RowDetail:
        counts = self._findings.tokens
        return row_detail(
            row,
            self._rows.line(row),
            self.current_raw(row),
            self.edits.of(row),
            counts[row] if row < len(counts) else 0,
            self._plan,
            self._relations.problems_of(row),
        )


def _in_turn(
    against: Mapping[str, Dataset],
) -> Iterator[tuple[str, Dataset, Mapping[str, Dataset]]]:
    """The files to compare with, in the order of their checks, and what each is compared with.

    The validation file is compared with the test file; the test file with none.
    """
    for name in sorted(against, key=("test", "validation").index):
        beside = {"test": against["test"]} if name == "validation" and "test" in against else {}
        yield name, against[name], beside
