"""The passes over a file that worker processes run; imports nothing slow to load."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import chain, islice, repeat
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import orjson

from tui.domain.rows.check_options import CheckOptions
from tui.domain.rows.comparable_text import fingerprints
from tui.domain.rows.formats import Example, Format, Row, detect_format
from tui.domain.rows.parsing import parse
from tui.domain.rows.problems import Problem
from tui.domain.rules.quality import check_quality
from tui.domain.rules.structure import check_line, example_of, is_plain, source_place, to_problems
from tui.domain.submission.forecast import ESTIMATE
from tui.services.checking.row_marks import marks_of
from tui.services.checking.token_counters import TokenCounter
from tui.services.reading.row_file import rows_between

if TYPE_CHECKING:
    from tui.domain.rows.row_statistics import Tally

ESTIMATED = TokenCounter(ESTIMATE, ESTIMATE)
_TOGETHER = 256
"""Rows whose examples are in memory at a time."""


class Status(IntEnum):
    """Status of a row; apart from `EXCLUDED`, higher is worse."""

    UNCHECKED = 0
    OK = 1
    WARNED = 2
    INVALID = 3
    EXCLUDED = 4


class Line(NamedTuple):
    """A row to check: its number from 0, its line from 1 and its bytes."""

    row: int
    line: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class CheckPlan:
    """What a check looks for in each row.

    Attributes:
        kind: the file's format.
        options: options of the check, with the model's context length resolved.
        limit: most problems to list; all are counted.
        counter: counter of tokens.
    """

    kind: Format
    options: CheckOptions
    limit: int
    counter: TokenCounter = ESTIMATED


@dataclass(frozen=True, slots=True)
class Chunk:
    """A range of rows of a file.

    Attributes:
        path: the file.
        start: first byte.
        end: byte after the last.
        line: line number at `start`.
        row: number of the first row.
        rows: number of rows.
        status: the `Status` of each row after the structural pass, one byte each; empty before.
    """

    path: Path
    start: int
    end: int
    line: int
    row: int
    rows: int
    status: bytes = b""


@dataclass(slots=True)
class PassResult:
    """Result of a pass over rows. A column has one entry per row, or none at all.

    Attributes:
        status: the `Status` of each row, one byte each.
        problems: problems in the order of the rows, up to the limit of the plan.
        codes: code -> the rows with such a problem, ascending.
        other_formats: format -> the rows of that format, where it is not the file's, ascending.
        tokens: tokens of each row; 0 for an invalid one. The second pass fills it and the rest.
        lengths: characters of the assistant's last text.
        fingerprints: fingerprint of the content; 0 for an invalid row.
        prompts: fingerprint of the prompt; 0 where there is none, or the row is invalid.
        marks: hash of the words that near duplicates share; 0 for a row that is not compared. Empty
            where near duplicates are not searched.
        tally: figures of the rows; None after the structural pass.
    """

    status: bytearray = field(default_factory=bytearray)
    problems: list[Problem] = field(default_factory=list)
    codes: dict[str, array[int]] = field(default_factory=dict)
    other_formats: dict[Format, array[int]] = field(default_factory=dict)
    tokens: array[int] = field(default_factory=lambda: array("I"))
    lengths: array[int] = field(default_factory=lambda: array("I"))
    fingerprints: array[int] = field(default_factory=lambda: array("Q"))
    prompts: array[int] = field(default_factory=lambda: array("Q"))
    marks: array[int] = field(default_factory=lambda: array("Q"))
    tally: Tally | None = None

    def add(self, row: int, problems: Sequence[Problem], limit: int) -> None:
        """Add a row with its problems."""
        self.status.append(worst(problems) if problems else Status.OK)
        for problem in problems:
            rows = self.codes.setdefault(problem.code, array("I"))
            if not rows or rows[-1] != row:
                rows.append(row)
        if problems:
            self.problems += problems[: max(0, limit - len(self.problems))]


def worst(problems: Iterable[Problem]) -> Status:
    """The status of a row with these problems."""
    severities = {problem.severity for problem in problems}
    if not severities:
        return Status.OK
    return Status.INVALID if "error" in severities else Status.WARNED


def read_structure(plan: CheckPlan, chunk: Chunk) -> PassResult:
    """The structural pass over a chunk of a file.

    Raises:
        OSError: the file cannot be read.
    """
    return check_structure(_lines(chunk), plan)


def read_content(plan: CheckPlan, chunk: Chunk) -> PassResult:
    """The second pass over a chunk of a file.

    Raises:
        OSError: the file cannot be read.
    """
    return check_content(_lines(chunk), plan, chunk.status)


def check_rows(lines: Sequence[Line], plan: CheckPlan) -> PassResult:
    """Both passes over a few rows."""
    structure, result = check_structure(lines, plan), check_content(lines, plan)
    result.status = bytearray(map(max, structure.status, result.status))
    for code, rows in structure.codes.items():
        result.codes[code] = array("I", sorted({*rows, *result.codes.get(code, ())}))
    result.problems = structure.problems + result.problems
    result.other_formats = structure.other_formats
    return result


def check_structure(lines: Iterable[Line | tuple[int, int, bytes]], plan: CheckPlan) -> PassResult:
    """The structural pass: which rows a service would take."""
    result = PassResult()
    plain, loads, chat = result.status.append, orjson.loads, plan.kind is Format.CHAT
    options = plan.options
    for row, line, raw in lines:
        try:
            if chat and is_plain(loads(raw), raw, options):
                plain(1)
                continue
        except orjson.JSONDecodeError:
            pass
        problems = check_line(raw, line, plan.kind, options)[1]
        result.add(row, problems, plan.limit)
        if any(problem.code == "other-format" for problem in problems):
            other = detect_format(parse(raw)[0])
            result.other_formats.setdefault(other, array("I")).append(row)
    return result


def check_content(
    lines: Iterable[Line | tuple[int, int, bytes]], plan: CheckPlan, statuses: Iterable[int] = ()
) -> PassResult:
    """The second pass: quality, tokens and fingerprints of each valid row.

    Args:
        lines: the rows.
        plan: what is checked.
        statuses: the status of each row after the structural pass; unknown where there is none.
    """
    # Loaded on the first check: the first paint does not need it.
    from tui.domain.rows.row_statistics import Tally

    tally = Tally(plan.options.context)
    result = PassResult(tally=tally)
    remaining = zip(lines, chain(statuses, repeat(Status.UNCHECKED)), strict=False)
    while part := list(islice(remaining, _TOGETHER)):
        rows = [(row, line, _example(raw, line, plan, status)) for (row, line, raw), status in part]
        _add_content(result, tally, rows, plan)
    return result


def _add_content(
    result: PassResult,
    tally: Tally,
    rows: Sequence[tuple[int, int, Example | None]],
    plan: CheckPlan,
) -> None:
    examples = [example for _, _, example in rows]
    valid = [example for example in examples if example]
    token_counts = plan.counter.count_examples(valid)
    counts, refusals = iter(token_counts), 0
    for row, line, example in rows:
        problems = content_problems(example, line, next(counts), plan) if example else ()
        result.add(row, problems, plan.limit)
        refusals += any(problem.code == "refusal" for problem in problems)
    tally.add_all(valid, token_counts, refusals)
    if compares_near(plan.options):
        result.marks.extend(marks_of(examples))
    prints = [fingerprints(example) for example in valid]
    columns: Sequence[tuple[array[int], Iterable[int]]] = (
        (result.tokens, token_counts),
        (result.lengths, (len(example.last_text("assistant")) for example in valid)),
        (result.fingerprints, (content for content, _ in prints)),
        (result.prompts, (prompt for _, prompt in prints)),
    )
    for column, values in columns:
        figures = iter(values)
        column.extend(next(figures) if example else 0 for example in examples)


def content_problems(example: Example, line: int, tokens: int, plan: CheckPlan) -> list[Problem]:
    """The problems that the second pass finds in a row, with places in its own format."""
    problems = [
        (code, source_place(where, plan.kind, example.messages), text)
        for code, where, text in check_quality(example, plan.options)
    ]
    context = plan.options.context
    if context and tokens > context:
        text = f"The row has {tokens:,} tokens, {tokens - context:,} more than the model's context."
        problems.append(("over-context", "", text))
    return to_problems(problems, line, plan.options) if problems else []


def compares_near(options: CheckOptions) -> bool:
    """Whether near duplicates are searched, in the file or across files."""
    return options.similarity > 0 and not {"near-duplicate", "near-leak"} <= options.off


def _example(raw: bytes, line: int, plan: CheckPlan, status: int) -> Example | None:
    """The example of a row; what the structural pass found valid is not checked again."""
    if status == Status.INVALID:
        return None
    if status == Status.OK and (plan.kind.trainable or plan.kind.convertible):
        with suppress(orjson.JSONDecodeError):
            row = orjson.loads(raw)
            return _plain_example(row) or example_of(row, plan.kind)
    return example_or_none(raw, line, plan.kind, plan.options)


def _plain_example(row: Row) -> Example | None:
    """The example of a valid chat row of nothing but roles and texts; None of any other row."""
    messages = row.get("messages")
    if not messages or len(row) > 1:
        return None
    for message in messages:
        if len(message) != 2 or type(message.get("content")) is not str or "role" not in message:
            return None
    return Example(messages)


def example_or_none(raw: bytes, line: int, kind: Format, options: CheckOptions) -> Example | None:
    """The example of a valid row, or None; a plain row is not checked again."""
    if not (kind.trainable or kind.convertible):
        return None  # labels and plain texts have nothing to compare or count
    if kind is Format.CHAT:
        try:
            row = orjson.loads(raw)
        except orjson.JSONDecodeError:
            return None
        if is_plain(row, raw, options):
            return Example(row["messages"])
    return check_line(raw, line, kind, options)[0]


def _lines(chunk: Chunk) -> Iterator[tuple[int, int, bytes]]:
    rows = rows_between(chunk.path, chunk.start, chunk.end, chunk.line)
    for row, (line, raw) in enumerate(rows, chunk.row):
        yield row, line, raw
