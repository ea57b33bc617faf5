"""What a check found, in numbers and words, for a command to print and a screen to show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from tui.domain.rows.formats import Format
from tui.domain.rows.problems import Problem, problem
from tui.domain.rules.whole_file import (
    FileFacts,
    check_count,
    check_formats,
    check_kind,
    check_size,
    file_warnings,
)
from tui.services.checking.findings import DUPLICATE, NEAR, Findings
from tui.services.checking.passes import Look, Status
from tui.services.reading.row_file import RowFile

if TYPE_CHECKING:
    from tui.domain.rows.row_statistics import Statistics


class TokenCount(BaseModel):
    """Tokens in all rows without errors, and what counted them."""

    model_config = ConfigDict(frozen=True)

    total: int
    counter: str


class DatasetReport(BaseModel):
    """What a check found in a file as it is on disk, without pending edits.

    Attributes:
        file: path as it was given.
        format: of the rows.
        rows: number of rows; blank lines are none.
        valid: rows without an error, those with warnings included.
        invalid: rows with an error.
        warned: rows with warnings only.
        tokens: in the valid rows.
        problems: those of the file, then those of the rows by line.
        duplicates: rows that say the same, or nearly, as an earlier one.
        codes: how many rows have each code (and 1 for the file), also where not all problems are
            kept.
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
        return errors_of([one for one in self.problems if one.line is None])


def errors_of(problems: Sequence[Problem]) -> list[Problem]:
    """Those of the problems that are errors."""
    return [one for one in problems if one.severity == "error"]


def make_report(file: str, look: Look, found: Findings, whole: Sequence[Problem]) -> DatasetReport:
    """The report of a check.

    Args:
        file: path as it was given.
        look: how the rows were looked at.
        found: what was found in them.
        whole: problems of the file as a whole.
    """
    rows, invalid = len(found.status), found.count(Status.INVALID)
    codes = Counter({code: len(found.rows_with(code)) for code in found.known_codes()})
    codes.update(one.code for one in whole)
    return DatasetReport(
        file=file,
        format=look.kind,
        rows=rows,
        valid=rows - invalid,
        invalid=invalid,
        warned=found.count(Status.WARNED),
        tokens=TokenCount(total=sum(found.tokens), counter=look.counter.name),
        problems=[*whole, *sorted(found.problems, key=_by_line)],
        duplicates=sum(len(found.links_of(code)) for code in (DUPLICATE, NEAR)),
        codes={code: count for code, count in codes.items() if count},
    )


def file_problems(
    found: Findings, look: Look, statistics: Statistics, rows: RowFile, validated: bool
) -> list[Problem]:
    """Problems of the file as a whole; rows that were left out are none of it.

    Args:
        found: what is known of the rows.
        look: how they were looked at.
        statistics: what they are like in the source.
        rows: the file, all of it known.
        validated: whether a validation file was given beside it.
    """
    count, kind, options = len(found.status) - found.count(Status.EXCLUDED), look.kind, look.options
    problems = [problem(code, None, message=text) for code, text in rows.remarks]
    others = found.rows_of_other_formats()
    lines = {other: [*map(rows.line, these)] for other, these in others.items()}
    problems += check_formats(kind, count, lines)
    problems += check_kind(kind, options, rows.held)
    if kind.trainable:
        problems += check_count(count, options)
    problems += check_size(rows.data_size, options)
    facts = FileFacts(
        count,
        kind,
        answers=found.count(Status.OK) + found.count(Status.WARNED),
        refusals=len(found.rows_with("refusal")),
        systems=statistics.system_variants,
        validated=validated,
    )
    return problems + file_warnings(facts, options)


def _by_line(one: Problem) -> int:
    return one.line or 0
