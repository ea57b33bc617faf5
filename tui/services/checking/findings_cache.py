"""Findings cached in the workspace until the file, the options or the code change."""

from __future__ import annotations

import asyncio
from array import array
from dataclasses import asdict, dataclass

from tui.domain.rows.formats import Format
from tui.domain.rows.problems import Problem
from tui.services.checking.dataset_check import find_rows
from tui.services.checking.findings import Findings
from tui.services.checking.passes import CheckPlan
from tui.services.checking.report_cache import CachedReport, ReportCache, ReportKey, report_key
from tui.services.checking.row_links import Links
from tui.services.reading.row_file import RowFile
from tui.services.workspace.files import Buffer

_SMALLEST = 1 << 20
"""Bytes from which a file is worth caching; the check of a smaller one is quick."""
_MOST_PROBLEMS = 10_000
"""Listed problems that are cached; a request for more of them checks the file again."""
_COLUMNS = ("tokens", "lengths", "fingerprints", "prompts", "marks", "outliers")
_LINKS = ("same", "near", "contradictions")
_CODE = "code:"


@dataclass(frozen=True, slots=True)
class CachedFindings:
    """Cached findings of a check.

    Attributes:
        findings: the findings, without relations to other files.
        starts: byte offset of each row in the data.
        lines: line number of each row.
    """

    findings: Findings
    starts: array[int]
    lines: array[int]


class FindingsCache:
    """The findings of files in the workspace."""

    def __init__(self, cache: ReportCache) -> None:
        self._cache = cache

    async def load(self, rows: RowFile, plan: CheckPlan) -> CachedFindings | None:
        """Load the findings on an unchanged file; None where none are cached.

        The index of the file's rows is restored, too.

        Raises:
            FileError: the file cannot be read.
        """
        report = await self._cache.load(_key(rows, plan)) if rows.size >= _SMALLEST else None
        if report is None:
            return None
        try:
            cached = await asyncio.to_thread(_from_report, report, plan.limit)
        except (KeyError, TypeError, ValueError, OSError):
            return None
        if cached and not rows.adopt(cached.starts, cached.lines):
            async for _ in find_rows(rows):
                pass
        return cached if cached and len(rows) == len(cached.findings.status) else None

    async def save(self, rows: RowFile, plan: CheckPlan, findings: Findings) -> None:
        """Store findings; a failure is ignored, since the next check can do without them."""
        if rows.size < _SMALLEST:
            return
        try:
            report = await asyncio.to_thread(_to_report, findings, rows, plan.limit)
        except OSError:
            return
        await self._cache.save(_key(rows, plan), report)


def _key(rows: RowFile, plan: CheckPlan) -> ReportKey:
    return report_key(
        rows.path, rows.stamp, plan.kind, plan.options, plan.counter.source, rows.encoding
    )


def _to_report(findings: Findings, rows: RowFile, limit: int) -> CachedReport:
    starts, lines = rows.index()
    problems = findings.problems[:_MOST_PROBLEMS]
    facts = {
        "problems": [asdict(problem) for problem in problems],
        "all_problems": len(findings.problems) < limit and len(problems) == len(findings.problems),
        "tally": findings.tally.to_json() if findings.tally else None,
        "other_formats": {kind.value: [*at] for kind, at in findings.other_formats.items()},
    }
    sketched = findings.sketches.rows()
    arrays = {
        "starts": starts,
        "lines": lines,
        "status": findings.status,
        "own": findings.own,
        "sketched": sketched,
        "sketches": findings.sketches.get_many(sketched),
        **{name: getattr(findings, name) for name in _COLUMNS},
        **{name: getattr(findings, name).to_bytes() for name in _LINKS},
        **{_CODE + code: rows for code, rows in findings.codes.items()},
    }
    return CachedReport(facts, arrays)


def _from_report(cached: CachedReport, limit: int) -> CachedFindings | None:
    """The findings of a cached report; None where it lists too few problems.

    Raises:
        KeyError, TypeError, ValueError: the report is not one of these.
        OSError: the sketches cannot be written.
    """
    from tui.domain.rows.row_statistics import Tally

    facts, arrays = cached.facts, cached.arrays
    problems = [Problem(**problem) for problem in facts["problems"][:limit]]
    if len(problems) < limit and not facts["all_problems"]:
        return None
    findings = Findings(
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
        getattr(findings, name).frombytes(arrays[name])
    for name in _LINKS:
        setattr(findings, name, Links.from_bytes(memoryview(arrays[name])))
    findings.sketches.add(_array("I", arrays["sketched"]), arrays["sketches"])
    return CachedFindings(findings, _array("Q", arrays["starts"]), _array("Q", arrays["lines"]))


def _array(kind: str, data: Buffer) -> array[int]:
    values: array[int] = array(kind)
    values.frombytes(data)
    return values
