"""Near duplicates of a checked file's rows, found in worker processes.

Rows whose marks differ are not compared, so only rows that share one need sketches.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import AsyncIterator
from concurrent.futures import BrokenExecutor, Executor
from dataclasses import dataclass

from tui.services.checking.findings import LEAK, NEAR_LEAK, Findings
from tui.services.checking.near_duplicate_search import (
    Edges,
    NearSearch,
    Texts,
    read_sketches,
    rows_to_sketch,
    search_near,
)
from tui.services.checking.passes import CheckPlan
from tui.services.checking.row_links import Links
from tui.services.checking.row_relations import RowRelations
from tui.services.checking.sketches import Sketches
from tui.services.checking.workers import run_parts, worker_killed
from tui.services.reading.row_file import RowFile
from tui.services.workspace.files import explain

_PAUSE = 0.25
"""Seconds between two reports on a search that reports no progress itself."""


@dataclass(frozen=True, slots=True)
class _Side:
    """A file whose rows are compared.

    Attributes:
        marks: the mark of each row.
        sketches: the sketches of some rows; more are added.
        texts: the texts of the rows.
        left_out: one byte per row, 0 where the row is compared.
    """

    marks: array[int]
    sketches: Sketches
    texts: Texts
    left_out: bytes

    def rows_to_sketch(self, marks: array[int] | None) -> array[int]:
        """The rows without a sketch that share a mark with another row, or have one of some."""
        # Loaded on the first search: the first paint does not need it.
        from tui.services.checking.sketch_bands import rows_sharing

        return self.sketches.missing(rows_sharing(self.marks, self.left_out, marks))


class NearComparison:
    """A comparison of all rows of a file with each other and with the rows of other files."""

    def __init__(
        self, rows: RowFile, findings: Findings, plan: CheckPlan, relations: RowRelations
    ) -> None:
        self._rows = rows
        self._findings = findings
        self._plan = plan
        self._relations = relations

    async def within_file(self, pool: Executor) -> AsyncIterator[float]:
        """Find near duplicates in the file; yields the share of the rows that are sketched."""
        if not self._findings.marks:
            return
        here = self._here(self._findings.same)
        async for share in _add_sketches(pool, here):
            yield share
        async for edges in self._run(pool, self._search(here)):
            if edges:
                await asyncio.to_thread(self._relations.add_near_duplicates, edges)
            yield 1.0

    async def with_others(self, pool: Executor) -> AsyncIterator[str]:
        """Find near duplicates of rows of other files; yields the name of the file searched."""
        if NEAR_LEAK in self._plan.options.off:
            return
        for name, other in self._relations.others.items():
            if not (self._findings.marks and other.marks):
                continue
            here = self._here(self._findings.links_of(LEAK, name))
            there = _Side(other.marks, other.sketches, other.texts(), bytes(len(other.marks)))
            for side, marks in ((here, there.marks), (there, here.marks)):
                async for _ in _add_sketches(pool, side, marks):
                    yield name
            async for edges in self._run(pool, self._search(here, there)):
                if edges:
                    await asyncio.to_thread(self._relations.add_near_leaks, name, edges)
                yield name

    def _here(self, known: Links) -> _Side:
        """This file, without invalid rows and those with a known exact match."""
        findings = self._findings
        left_out = bytes(
            not fingerprint or row in known for row, fingerprint in enumerate(findings.fingerprints)
        )
        texts = texts_of(self._rows, self._plan)
        return _Side(findings.marks, findings.sketches, texts, left_out)

    def _search(self, here: _Side, there: _Side | None = None) -> NearSearch:
        return NearSearch(
            here.sketches.path,
            here.texts,
            here.left_out,
            self._plan.options.similarity,
            (there.sketches.path, there.texts) if there else None,
        )

    async def _run(self, pool: Executor, search: NearSearch) -> AsyncIterator[Edges | None]:
        """Run a search in a worker; yields None while it runs, then its result."""
        try:
            future = asyncio.wrap_future(pool.submit(search_near, search))
            while not future.done():
                yield None
                await asyncio.wait({future}, timeout=_PAUSE)
            yield future.result()
        except BrokenExecutor as error:
            raise worker_killed() from error
        except OSError as error:
            raise explain(error, self._rows.path) from error


async def _add_sketches(
    pool: Executor, side: _Side, marks: array[int] | None = None
) -> AsyncIterator[float]:
    """Sketch the rows that share a mark with others; yields the share that is done."""
    rows, done = await asyncio.to_thread(side.rows_to_sketch, marks), 0
    parts = rows_to_sketch(rows, side.texts)
    async for part, sketches in run_parts(pool, side.texts.path, read_sketches, parts):
        try:
            await asyncio.to_thread(side.sketches.add, part.rows, sketches)
        except OSError as error:
            raise explain(error, side.sketches.path, "write") from error
        done += len(part.rows)
        yield done / len(rows)


def texts_of(rows: RowFile, plan: CheckPlan) -> Texts:
    """The texts of a file's rows, for a worker process to read."""
    starts = array("Q", map(rows.start, range(len(rows) + 1)))
    return Texts(rows.data_path, starts, plan.kind, plan.options)
