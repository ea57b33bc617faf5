"""What a check found, kept in the workspace until the file, the rules or the code change."""

from __future__ import annotations

import asyncio
from array import array
from dataclasses import asdict, dataclass

from tui.domain.rows.formats import Format
from tui.domain.rows.problems import Problem
from tui.services.checking.dataset_check import find_rows
from tui.services.checking.findings import Findings
from tui.services.checking.passes import Look
from tui.services.checking.report_cache import CachedReport, ReportCache, ReportKey, report_key
from tui.services.checking.row_links import Links
from tui.services.reading.row_file import RowFile
from tui.services.workspace.files import Buffer

_WORTH_IT = 1 << 20
"""Bytes of a file from which a check takes so long that what it found is kept."""
_PROBLEMS_KEPT = 10_000
"""Problems in words that are kept; who wants more of a file that bad has it checked again."""
_COLUMNS = ("tokens", "lengths", "prints", "asked", "outliers")
_LINKS = ("same", "near", "contradictions")
_CODE = "code:"


@dataclass(frozen=True, slots=True)
class Kept:
    """What was kept of a check.

    Attributes:
        found: all of it but what other files have to do with it.
        starts: where each row begins in the data.
        lines: number of the line of each row.
    """

    found: Findings
    starts: array[int]
    lines: array[int]


class KeptChecks:
    """What checks found in files, in the workspace."""

    def __init__(self, cache: ReportCache) -> None:
        self._cache = cache

    async def load(self, rows: RowFile, look: Look) -> Kept | None:
        """What a check found in a file that is still the same; None where nothing is known.

        The rows of the file are known then, too.

        Raises:
            FileError: the file cannot be read.
        """
        report = await self._cache.load(_key(rows, look)) if rows.size >= _WORTH_IT else None
        if report is None:
            return None
        try:
            kept = await asyncio.to_thread(_findings, report, look.limit)
        except (KeyError, TypeError, ValueError, OSError):
            return None
        if kept and not rows.adopt(kept.starts, kept.lines):
            async for _ in find_rows(rows):
                pass
        return kept if kept and len(rows) == len(kept.found.status) else None

    async def save(self, rows: RowFile, look: Look, found: Findings) -> None:
        """Keep what a check found; where that cannot be done, the next one takes its time again."""
        if rows.size < _WORTH_IT:
            return
        try:
            report = await asyncio.to_thread(_report, found, rows, look.limit)
        except OSError:
            return
        await self._cache.save(_key(rows, look), report)


def _key(rows: RowFile, look: Look) -> ReportKey:
    return report_key(rows.path, rows.stamp, look.kind, look.options, look.counter.source)


def _report(found: Findings, rows: RowFile, limit: int) -> CachedReport:
    starts, lines = rows.index()
    told = found.problems[:_PROBLEMS_KEPT]
    facts = {
        "problems": [asdict(one) for one in told],
        "all_problems": len(found.problems) < limit and len(told) == len(found.problems),
        "tally": found.tally.to_json() if found.tally else None,
        "other_formats": {kind.value: [*at] for kind, at in found.other_formats.items()},
    }
    arrays = {
        "starts": starts,
        "lines": lines,
        "status": found.status,
        "own": found.own,
        "sketches": found.sketches.read(),
        **{name: getattr(found, name) for name in _COLUMNS},
        **{name: getattr(found, name).column() for name in _LINKS},
        **{_CODE + code: rows for code, rows in found.codes.items()},
    }
    return CachedReport(facts, arrays)


def _findings(kept: CachedReport, limit: int) -> Kept | None:
    """What was kept; None where it has too few problems in words.

    Raises:
        KeyError, TypeError, ValueError: it is no such report.
        OSError: there is no place for the sketches.
    """
    from tui.domain.rows.row_statistics import Tally

    facts, arrays = kept.facts, kept.arrays
    problems = [Problem(**one) for one in facts["problems"][:limit]]
    if len(problems) < limit and not facts["all_problems"]:
        return None
    found = Findings(
        status=bytearray(arrays["status"]),
        own=bytearray(arrays["own"]),
        codes={
            name.removeprefix(_CODE): _array("I", data)
            for name, data in arrays.items()
            if name.startswith(_CODE)
        },
        other_formats={Format(kind): array("I", at) for kind, at in facts["other_formats"].items()},
        problems=problems,
        tally=Tally.from_json(facts["tally"]),
    )
    for name in _COLUMNS:
        getattr(found, name).frombytes(arrays[name])
    for name in _LINKS:
        setattr(found, name, Links.from_column(memoryview(arrays[name])))
    found.sketches.append(memoryview(arrays["sketches"]))
    return Kept(found, _array("Q", arrays["starts"]), _array("Q", arrays["lines"]))


def _array(kind: str, data: Buffer) -> array[int]:
    values: array[int] = array(kind)
    values.frombytes(data)
    return values
