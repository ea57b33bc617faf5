"""The report of a check, which commands print and screens show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from tui.domain.rows.formats import Format
from tui.domain.rows.parsing import parse
from tui.domain.rows.problems import Problem, problem
from tui.domain.rules.whole_file import (
    FileFacts,
    check_count,
    check_format,
    check_formats,
    check_size,
    file_warnings,
)
from tui.services.checking.file_encoding import encoding_problems
from tui.services.checking.findings import DUPLICATE, NEAR, Findings
from tui.services.checking.passes import CheckPlan, Status
from tui.services.reading.row_file import RowFile

if TYPE_CHECKING:
    from tui.domain.rows.row_statistics import Statistics


_OF_EVERY_ROW = frozenset({"unknown-format", "unconvertible-format"})
"""Codes of rows that are listed once, for the file."""
_SAMPLED_ROWS = 20


class TokenCount(BaseModel):
    """Tokens of all valid rows, and the name of the counter."""

    model_config = ConfigDict(frozen=True)

    total: int
    counter: str


class DatasetReport(BaseModel):
    """Report of the check of a file on disk, without pending edits.

    Attributes:
        file: path as it was given.
        format: format of the rows.
        rows: number of rows; blank lines do not count.
        valid: rows without an error, those with warnings included.
        invalid: rows with an error.
        warned: rows with warnings only.
        tokens: tokens of the valid rows.
        problems: problems of the file, then of the rows by line.
        duplicates: duplicates and near duplicates of earlier rows.
        codes: code -> number of rows that have it (1 for the file), also of unlisted problems.
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
        return errors_of([entry for entry in self.problems if entry.line is None])


def errors_of(problems: Sequence[Problem]) -> list[Problem]:
    """The problems that are errors."""
    return [entry for entry in problems if entry.severity == "error"]


def make_report(
    file: str, plan: CheckPlan, findings: Findings, file_level: Sequence[Problem]
) -> DatasetReport:
    """The report of a check.

    Args:
        file: path as it was given.
        plan: the plan of the check.
        findings: its findings.
        file_level: problems of the whole file.
    """
    rows, invalid = len(findings.status), findings.count(Status.INVALID)
    codes = Counter({code: len(findings.rows_with(code)) for code in findings.known_codes()})
    codes.update({entry.code for entry in file_level} - codes.keys())
    listed = (entry for entry in findings.problems if entry.code not in _OF_EVERY_ROW)
    return DatasetReport(
        file=file,
        format=plan.kind,
        rows=rows,
        valid=rows - invalid,
        invalid=invalid,
        warned=findings.count(Status.WARNED),
        tokens=TokenCount(total=sum(findings.tokens), counter=plan.counter.name),
        problems=[*file_level, *sorted(listed, key=_by_line)],
        duplicates=sum(len(findings.links_of(code)) for code in (DUPLICATE, NEAR)),
        codes={code: count for code, count in codes.items() if count},
    )


def file_problems(
    findings: Findings, plan: CheckPlan, statistics: Statistics, rows: RowFile, validated: bool
) -> list[Problem]:
    """Problems of the whole file; excluded rows do not count.

    Args:
        findings: the findings on its rows.
        plan: the plan of the check.
        statistics: statistics of the source.
        rows: the file, completely scanned.
        validated: whether there is a validation file.
    """
    kind, options = plan.kind, plan.options
    count = len(findings.status) - findings.count(Status.EXCLUDED)
    problems = [problem(code, None, message=text) for code, text in rows.remarks]
    problems += encoding_problems(rows, findings)
    others = findings.rows_of_other_formats()
    lines = {other: [*map(rows.line, numbers)] for other, numbers in others.items()}
    problems += check_formats(kind, count, lines)
    problems += format_problems(rows, plan)
    if kind.trainable:
        problems += check_count(count, options)
    problems += check_size(rows.data_size, options)
    facts = FileFacts(
        count,
        kind,
        answers=findings.count(Status.OK) + findings.count(Status.WARNED),
        refusals=len(findings.rows_with("refusal")),
        systems=statistics.system_variants,
        validated=validated,
    )
    return problems + file_warnings(facts, options)


def format_problems(rows: RowFile, plan: CheckPlan) -> list[Problem]:
    """Why the rows cannot be used for training as they are; reads the first of them."""
    return check_format(plan.kind, plan.options, rows.container_label, _first_object(rows))


def _first_object(rows: RowFile) -> dict[str, Any] | None:
    """The first of the first rows that is an object, as far as it can be read."""
    for row in range(min(len(rows), _SAMPLED_ROWS)):
        value, _ = parse(rows.read(row))
        if isinstance(value, dict):
            return value
    return None


def _by_line(entry: Problem) -> int:
    return entry.line or 0
