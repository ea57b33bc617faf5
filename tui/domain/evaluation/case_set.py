"""A test set: its cases, the rows that are none, and what a person should know about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, NamedTuple

from tui.domain.evaluation.case_rows import CaseReader, Columns
from tui.domain.evaluation.cases import Case
from tui.domain.evaluation.definitions import (
    NO_DEFINITION,
    Definition,
    is_definition_alone,
    read_definition,
    rows_within,
)
from tui.domain.rows.parsing import exact_value, parse
from tui.domain.text import number, plural, preview

_SAMPLED_ROWS = 100
"""First rows in which shapes of exports are looked for."""
_HARMLESS = frozenset({"duplicate-key", "byte-order-mark"})
_MOST_LINES = 8
_MOST_REASONS = 5
_MOST_COLUMNS = 20


class Unreadable(NamedTuple):
    """In place of a row that cannot be parsed: why."""

    reason: str


class LeftOut(NamedTuple):
    """A row that is no case: its line in the file, from 1, and why."""

    line: int
    reason: str


@dataclass(frozen=True)
class CaseSet:
    """A test set.

    Attributes:
        cases: the cases, in the order of the file.
        left_out: the rows that are none; every row of the file is in one of both.
        unread: phrase about what was not read of the cases -> number of rows.
        repeated: lines of cases with question and answer of an earlier one.
        trained: lines of cases whose question is in the training file of the tuned model.
        remarks: sentences about the file as a whole.
    """

    cases: Sequence[Case]
    left_out: Sequence[LeftOut] = ()
    unread: Mapping[str, int] = field(default_factory=dict)
    repeated: Sequence[int] = ()
    trained: Sequence[int] = ()
    remarks: Sequence[str] = ()

    def with_trained(self, prompts: Iterable[int], *, leave_out: bool) -> CaseSet:
        """The set with the cases marked whose question was trained on, or without them.

        Args:
            prompts: fingerprints of the prompts of the training file.
            leave_out: whether those cases are left out.
        """
        known = {*prompts}
        trained = [case.line for case in self.cases if case.fingerprints.prompt in known]
        if not (leave_out and trained):
            return replace(self, trained=trained)
        lines = {*trained}
        reason = "its question is in the training file"
        out = [*self.left_out, *(LeftOut(line, reason) for line in trained)]
        return replace(
            self,
            cases=[case for case in self.cases if case.line not in lines],
            left_out=sorted(out),
            repeated=[line for line in self.repeated if line not in lines],
            trained=(),
        )


def parse_row(raw: bytes) -> Any:
    """The value of a line of JSON; `Unreadable` where it cannot be used."""
    value = exact_value(raw)
    if value is not None:
        return value
    value, findings = parse(raw)
    reasons = [text or code for code, _, text in findings if code not in _HARMLESS]
    return Unreadable(preview(reasons[0], 120).rstrip(".")) if reasons else value


def read_case_set(
    rows: Iterable[tuple[int, Any]],
    columns: Columns = Columns(),  # noqa: B008 - immutable
    definition: Definition | None = None,
) -> CaseSet:
    """Read a test set.

    Args:
        rows: line and value of each row, `Unreadable` among them; or a single one that holds all
            rows with their definition.
        columns: where question and answer are.
        definition: what holds for all rows, where it is not in the file.

    Raises:
        ValueError: no row has a column that was named.
    """
    own, numbered = _with_own_definition([*rows])
    rules = definition or own or NO_DEFINITION
    reader = CaseReader(sample_of(value for _, value in numbered), columns, rules)
    cases: list[Case] = []
    left_out: list[LeftOut] = []
    for line, value in numbered:
        try:
            if isinstance(value, Unreadable):
                raise ValueError(value.reason)
            cases.append(reader.read(line, value))
        except ValueError as error:
            left_out.append(LeftOut(line, str(error)))
    if reader.missing and reader.columns:
        raise ValueError(_no_column(min(reader.missing), reader.columns))
    unread = dict.fromkeys(rules.notes, len(cases)) | dict(reader.unread.most_common())
    return CaseSet(cases, left_out, unread, _repeated(cases))


def _with_own_definition(
    rows: list[tuple[int, Any]],
) -> tuple[Definition | None, list[tuple[int, Any]]]:
    """The definition in a file, if there is one, and the rows that it holds for."""
    first = rows[0][1] if rows else None
    inner = rows_within(first) if len(rows) == 1 else None
    if inner:
        return read_definition(first), [*enumerate(inner, 1)]
    if len(rows) > 1 and is_definition_alone(first):
        return read_definition(first), rows[1:]
    return None, rows


def sample_of(values: Iterable[Any]) -> list[Any]:
    """The first values of a file that are not `Unreadable`."""
    return [*islice((each for each in values if not isinstance(each, Unreadable)), _SAMPLED_ROWS)]


def describe_rows(case_set: CaseSet) -> list[str]:
    """What to know about a test set before it is used, as sentences; empty where all is well."""
    return [
        *case_set.remarks,
        *_left_out_lines(case_set.left_out),
        *_unread_lines(case_set.unread),
        *_repeated_lines(case_set.repeated),
        *_trained_lines(case_set.trained),
    ]


def _left_out_lines(left_out: Sequence[LeftOut]) -> Iterator[str]:
    by_reason: dict[str, list[int]] = {}
    for line, reason in left_out:
        by_reason.setdefault(reason, []).append(line)
    if left_out:
        yield f"{plural(len(left_out), 'row')} left out:"
    for reason, lines in islice(by_reason.items(), _MOST_REASONS):
        yield f"  {name_lines(lines)}: {reason}"
    rest = [lines for _, lines in islice(by_reason.items(), _MOST_REASONS, None)]
    if rest:
        others = sorted(line for lines in rest for line in lines)
        yield f"  {name_lines(others)}: {plural(len(rest), 'other reason')}"


def _unread_lines(unread: Mapping[str, int]) -> Iterator[str]:
    if unread:
        parts = [f"{what} ({plural(count, 'row')})" for what, count in unread.items()]
        more = f" and {len(parts) - _MOST_LINES} more" if len(parts) > _MOST_LINES else ""
        yield f"Not used: {', '.join(parts[:_MOST_LINES])}{more}."


def _repeated_lines(repeated: Sequence[int]) -> Iterator[str]:
    if repeated:
        verb = "repeats an earlier row" if len(repeated) == 1 else "repeat earlier rows"
        yield f"{name_lines(repeated).capitalize()} {verb}."


def _trained_lines(trained: Sequence[int]) -> Iterator[str]:
    if trained:
        count = plural(len(trained), "row has its question", "rows have their questions")
        yield (
            f"{count} in the training file too, so the tuned model may know the answer by heart: "
            f"{name_lines(trained)}."
        )


def name_lines(lines: Sequence[int]) -> str:
    """Line numbers as a phrase, such as `lines 2, 4-9 and 12`; the later ones only counted."""
    spans: list[list[int]] = []
    for line in lines:
        if spans and line == spans[-1][-1] + 1:
            spans[-1][1:] = [line]
        else:
            spans.append([line])
    named = ["-".join(map(str, span)) for span in spans[:_MOST_LINES]]
    hidden = len(lines) - sum(span[-1] - span[0] + 1 for span in spans[:_MOST_LINES])
    if hidden:
        named.append(f"{number(hidden)} more")
    text = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
    return f"{'line' if len(lines) == 1 else 'lines'} {text}"


def _repeated(cases: Sequence[Case]) -> list[int]:
    seen: set[int] = set()
    repeated = []
    for case in cases:
        content = case.fingerprints.content
        if content in seen:
            repeated.append(case.line)
        seen.add(content)
    return repeated


def _no_column(name: str, columns: Iterable[str]) -> str:
    names = [preview(column, 40) for column in columns]
    more = f" and {len(names) - _MOST_COLUMNS} more" if len(names) > _MOST_COLUMNS else ""
    return (
        f"it has no column `{preview(name, 40)}`; it has {', '.join(names[:_MOST_COLUMNS])}{more}"
    )
