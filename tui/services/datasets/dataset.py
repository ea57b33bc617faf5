"""An open training file: look at its rows, check it, change rows in memory."""

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
    find_rows,
    texts_of,
)
from tui.services.checking.findings import DUPLICATE, NEAR, Counts, Findings
from tui.services.checking.findings_cache import KeptChecks
from tui.services.checking.incremental_check import Follower
from tui.services.checking.near_duplicate_search import text_of_row
from tui.services.checking.passes import Chunk, Look, Status
from tui.services.checking.report import DatasetReport, file_problems, make_report
from tui.services.checking.row_relations import Comparison, OtherFile
from tui.services.checking.token_counters import context_of, counter_for
from tui.services.datasets.row_views import RowDetail, RowView, row_detail
from tui.services.errors import FileError
from tui.services.reading.row_file import RowFile, Stamp, rows_between
from tui.services.workspace.files import explain

if TYPE_CHECKING:
    from tui.domain.rows.row_statistics import Statistics

ALL = 1 << 62
"""Keep every problem."""
_BLOCK = 1 << 22


class Dataset:
    """An open training file, and what a person changed in it and has not written yet.

    Attributes:
        path: the file, as it was given.
        format: of its rows.
        options: what is checked in it, and how strictly.
        report: what the check found in the file as it is on disk; None until it is through.
        statistics: what the rows are like, of the file as it is on disk; None until then, too.
        file_problems: problems of the file as a whole, with pending edits; none until then.
        container: what holds the rows.
        packed: whether the file is compressed.
        edits: the pending changes. Only `change`, `undo` and `redo` alter them.
    """

    def __init__(
        self,
        path: Path,
        rows: RowFile,
        kind: Format,
        options: CheckOptions = DEFAULT_OPTIONS,
        home: Path = Path(),
        kept: KeptChecks | None = None,
    ) -> None:
        self.path = path
        self.format = kind
        self.options = options
        self.report: DatasetReport | None = None
        self.statistics: Statistics | None = None
        self.file_problems: Sequence[Problem] = ()
        self.container = rows.container
        self.packed = rows.packed
        self.edits = Edits()
        self._rows = rows
        self._home = home
        self._kept = kept
        self._begin(Look(kind, options, 0), {}, Findings())

    def __len__(self) -> int:
        """Rows found so far."""
        return len(self._rows)

    async def changed(self) -> bool:
        """Whether the file on disk is another one by now."""
        return await asyncio.to_thread(self._rows.changed)

    def line(self, row: int) -> int:
        """Number of the line of a row, from 1."""
        return self._rows.line(row)

    def row_of_line(self, line: int) -> int | None:
        """The row on a line; None where the line is blank or not known."""
        return self._rows.row_of_line(line)

    async def find_rows(self) -> None:
        """Look through the whole file for rows.

        Raises:
            FileError: the file cannot be read, or changed meanwhile.
        """
        async for _ in find_rows(self._rows):
            pass

    def read_raw(self, row: int) -> bytes:
        """The bytes of one row in the source; for threads, since it reads the file.

        Raises:
            OSError: the file cannot be read any more.
        """
        return self._rows.read(row)

    def current_raw(self, row: int) -> bytes:
        """The bytes of one row with pending edits; for threads, as `read_raw`.

        Raises:
            OSError: the file cannot be read any more.
        """
        raw = self.edits.of(row).raw
        return self._rows.read(row) if raw is None else raw

    def blocks(self) -> Iterator[tuple[int, list[bytes]]]:
        """The rows of the source many at a time, each time with the number of the first.

        Raises:
            OSError: the file cannot be read any more.
            FileError: it changed meanwhile.
        """
        for part in chunks(self._rows, _BLOCK):
            raws = [raw for _, raw in rows_between(part.path, part.start, part.end, part.line)]
            if len(raws) != part.rows:
                raise file_changed(self._rows)
            yield part.row, raws

    async def rows(self, wanted: Sequence[int]) -> list[RowView]:
        """Rows as a table shows them; numbers beyond the end are passed over.

        Raises:
            FileError: the file cannot be read any more.
        """
        return [detail.view for detail in await self._read(wanted)]

    async def detail(self, row: int) -> RowDetail:
        """One row in full.

        Raises:
            FileError: the file cannot be read any more, or has no such row.
        """
        found = await self._read((row,))
        if not found:
            raise FileError(f"{self.path} has no row {row + 1}.")
        return found[0]

    def status(self, row: int) -> Status:
        """How a row stands by all that is known so far."""
        if self.edits.of(row).excluded:
            return Status.EXCLUDED
        known = self._found.status
        return Status(known[row]) if row < len(known) else Status.UNCHECKED

    def codes(self, row: int) -> tuple[str, ...]:
        """The codes of the problems of a row that are known so far."""
        return tuple(self._found.codes_of(row))

    def rows_with(self, code: str) -> Sequence[int]:
        """The rows with such a problem, rising; those that were left out are not among them."""
        return self._found.rows_with(code)

    def statuses(self) -> Sequence[int]:
        """A `Status` a row, of as many rows as were checked."""
        return self._found.status

    def token_counts(self) -> Sequence[int]:
        """Tokens a row, of as many rows as were counted."""
        return self._found.tokens

    def lengths(self) -> Sequence[int]:
        """Characters of the last answer a row, of as many rows as were looked at."""
        return self._found.lengths

    def counts(self) -> Counts:
        """How the rows stand by all that is known so far."""
        found, edits = self._found, self.edits.counts
        warned = found.count(Status.WARNED)
        return Counts(
            rows=len(self),
            valid=found.count(Status.OK) + warned,
            invalid=found.count(Status.INVALID),
            warned=warned,
            duplicates=sum(len(found.links_of(code)) for code in (DUPLICATE, NEAR)),
            excluded=edits.excluded,
            edited=edits.edited,
        )

    def group(self, row: int) -> int:
        """The first of the rows that say the same or nearly the same as a row; itself if none."""
        ties = self._found.same, self._found.near
        while others := [other for tie in ties if (other := tie.get(row)) is not None]:
            row = others[0]
        return row

    @property
    def data_size(self) -> int:
        """Bytes of all rows, unpacked."""
        return self._rows.data_size

    @property
    def stamp(self) -> Stamp:
        """How the file was when it was opened."""
        return self._rows.stamp

    @property
    def held(self) -> str:
        """What holds the rows, in words; empty where they are plain lines."""
        return self._rows.held

    def parts(self, size: int) -> Iterator[Chunk]:
        """The rows of the source in ranges of about so many bytes, for other processes to read."""
        return chunks(self._rows, size)

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
        self, *, keep: int = ALL, against: Mapping[str, Dataset] | None = None
    ) -> AsyncIterator[CheckProgress]:
        """Check every row; `report` and `statistics` are there at the end.

        The source is checked; pending edits are laid over what was found at the end.

        Args:
            keep: row problems to keep in the report; counts are of all.
            against: `validation` or `test` -> a file whose rows must not stand in this one.

        Raises:
            FileError: a file cannot be read, or changed meanwhile.
        """
        against = against or {}
        for name, other, beside in _in_turn(against):
            if other.report is None:
                async for progress in other.check(keep=0, against=beside):
                    yield replace(progress, share=0.0, label=f"checking the {name} file")
        look = await asyncio.to_thread(self._settle_look, keep)
        kept = await self._kept.load(self._rows, look) if self._kept else None
        self._begin(look, against, kept.found if kept else Findings())
        check = Check(self._rows, self._found, look, self._comparison)
        if kept:
            await asyncio.to_thread(self._comparison.resume)
        else:
            async for progress in check.run():
                yield progress
            if self._kept:
                await self._kept.save(self._rows, look, self._found)
        async for progress in check.compare_files():
            yield progress
        self.statistics, self.report = await asyncio.to_thread(self._sum_up, look)
        await self._follow(self.edits.pending)

    def _settle_look(self, keep: int) -> Look:
        """How the rows are looked at: what counts their tokens, and how many the model takes."""
        options, home = self.options, self._home
        context = options.context or (context_of(options.model, home) if options.model else 0)
        counter = counter_for(options.model, home)
        return Look(self.format, replace(options, context=context), keep, counter)

    def _begin(self, look: Look, against: Mapping[str, Dataset], found: Findings) -> None:
        """Know of the rows what is given, and no more."""
        self.report = self.statistics = None
        self.file_problems = ()
        self._found = found
        self._look = look
        self._against = against
        others = {name: other.as_other() for name, other in against.items()}
        self._comparison = Comparison(
            self._found, look.options, self._rows.line, self._text, others
        )
        self._follower = Follower(self._rows, look, self._comparison)

    def _text(self, row: int) -> str:
        """The text of a row that is searched for near duplicates."""
        return text_of_row(self.current_raw(row), self.format, self._look.options)

    def _sum_up(self, look: Look) -> tuple[Statistics, DatasetReport]:
        # Loaded by whoever checks; the way to the first paint does not need it.
        from tui.domain.rows.row_statistics import Tally, statistics_of

        statistics = statistics_of(self._found.tally or Tally(), look.options)
        whole = self._whole(statistics)
        return statistics, make_report(str(self.path), look, self._found, whole)

    def _whole(self, statistics: Statistics) -> list[Problem]:
        """Problems of the file as a whole, as its rows stand now."""
        validated = "validation" in self._against
        whole = file_problems(self._found, self._look, statistics, self._rows, validated)
        validation = self._against.get("validation")
        return whole + (validation.shared_with_test() if validation else [])

    def shared_with_test(self) -> list[Problem]:
        """What this file, for validation, has in common with the test file beside it."""
        same, near = (
            [self.line(row) for row in self.rows_with(code)] for code in ("leaked-row", "near-leak")
        )
        return check_shared(same, near, self.options)

    async def checked(self, *, against: Mapping[str, Dataset] | None = None) -> DatasetReport:
        """Check every row and give the report.

        Raises:
            FileError: a file cannot be read, or changed meanwhile.
        """
        async for _ in self.check(against=against):
            pass
        assert self.report
        return self.report

    def as_other(self) -> OtherFile:
        """This file as one that another is compared with, once it is checked."""
        found, rows, look = self._found, self._rows, self._look
        return OtherFile(
            found.prints, rows.line, found.sketches, self._text, partial(texts_of, rows, look)
        )

    async def change(self, words: str, after: Mapping[int, RowEdit]) -> EditStep | None:
        """Change rows in memory; they are looked at anew.

        Args:
            words: what is done, for the list of changes.
            after: how the rows shall be, by row.

        Returns:
            What was changed; None where nothing was.

        Raises:
            FileError: the file cannot be read any more.
        """
        return await self._edit(lambda: self.edits.do(words, after))

    async def undo(self) -> EditStep | None:
        """Take the last change back; None where there is none.

        Raises:
            FileError: the file cannot be read any more.
        """
        return await self._edit(self.edits.undo)

    async def redo(self) -> EditStep | None:
        """Do again what was undone last; None where there is nothing.

        Raises:
            FileError: the file cannot be read any more.
        """
        return await self._edit(self.edits.redo)

    async def _edit(self, act: Callable[[], EditStep | None]) -> EditStep | None:
        step = act()
        if step and self.report:
            await self._follow(step.after)
        return step

    async def _follow(self, rows: Collection[int]) -> None:
        """Let what is known of rows follow their edits."""
        try:
            await asyncio.to_thread(self._follower.follow, [*rows], self.edits.of)
        except OSError as error:
            raise explain(error, self.path) from error
        if self.statistics:
            self.file_problems = await asyncio.to_thread(self._whole, self.statistics)

    async def _read(self, wanted: Sequence[int]) -> list[RowDetail]:
        try:
            return await asyncio.to_thread(self._read_now, wanted)
        except OSError as error:
            raise explain(error, self.path) from error

    def _read_now(self, wanted: Sequence[int]) -> list[RowDetail]:
        return [self._detail(row) for row in wanted if 0 <= row < len(self._rows)]

    def _detail(self, row: int) -> RowDetail:
        counts = self._found.tokens
        return row_detail(
            row,
            self._rows.line(row),
            self.current_raw(row),
            self.edits.of(row),
            counts[row] if row < len(counts) else 0,
            self._look,
            self._comparison.problems_of(row),
        )


def _in_turn(
    against: Mapping[str, Dataset],
) -> Iterator[tuple[str, Dataset, Mapping[str, Dataset]]]:
    """The files to compare with, in the order of their check, and what each is compared with.

    The validation file is compared with the test file; the test file with none.
    """
    for name in sorted(against, key=("test", "validation").index):
        beside = {"test": against["test"]} if name == "validation" and "test" in against else {}
        yield name, against[name], beside
