"""One row as screens show it: in a table, or in full with its problems."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tui.domain.rows.edits import RowEdit
from tui.domain.rows.formats import Example, Format, detect_format
from tui.domain.rows.problems import Problem
from tui.domain.rules.structure import check_line, example_of, inspect_row
from tui.domain.text import preview
from tui.services.checking.passes import CheckPlan, Status, content_problems, worst

_PREVIEW_LENGTH = 300
_RAW_LENGTH = 1 << 18


@dataclass(frozen=True, slots=True)
class RowView:
    """One row as a table shows it, with pending edits; texts are scrubbed and short.

    Attributes:
        row: number of the row, from 0.
        line: number of its line, from 1.
        status: its status; never `UNCHECKED`.
        problems: errors first.
        turns: number of messages.
        user: the user's last text.
        assistant: the assistant's last text.
        tokens: tokens of the row; 0 while they are not counted, and for a row with an error.
        length: characters of the assistant's last text.
        excluded: whether the user excluded it.
        edited: whether the user changed it.
    """

    row: int
    line: int
    status: Status
    problems: tuple[Problem, ...]
    turns: int
    user: str
    assistant: str
    tokens: int = 0
    length: int = 0
    excluded: bool = False
    edited: bool = False


@dataclass(frozen=True, slots=True)
class RowDetail:
    """One row in full, with pending edits.

    Attributes:
        view: as the table shows it.
        example: what could be parsed, also of a row with errors; None where nothing could.
        raw: the beginning of the row's text, not scrubbed.
    """

    view: RowView
    example: Example | None
    raw: str


def row_detail(
    row: int,
    line: int,
    raw: bytes,
    edit: RowEdit,
    tokens: int,
    plan: CheckPlan,
    related: Iterable[Problem],
) -> RowDetail:
    """Check a row and describe it in full.

    Args:
        row: its number, from 0.
        line: number of its line, from 1.
        raw: its bytes, with pending edits.
        edit: its pending edit.
        tokens: tokens of the row; 0 while they are not counted.
        plan: the plan of the check.
        related: its problems that depend on other rows.
    """
    valid_example, problems = check_line(raw, line, plan.kind, plan.options)
    if valid_example:
        problems = problems + content_problems(valid_example, line, tokens, plan)
    problems += related
    example = valid_example or _parse_invalid(raw, plan.kind)
    text = raw[: 4 * _PREVIEW_LENGTH].decode(errors="replace")
    answer = example.last_text("assistant") if example else ""
    view = RowView(
        row,
        line,
        Status.EXCLUDED if edit.excluded else worst(problems),
        tuple(problems),
        example.turns if example else 0,
        preview(example.last_text("user") if example else text, _PREVIEW_LENGTH),
        preview(answer, _PREVIEW_LENGTH),
        tokens,
        len(answer),
        edit.excluded,
        edit.raw is not None,
    )
    return RowDetail(view, example, raw[:_RAW_LENGTH].decode(errors="replace"))


def _parse_invalid(raw: bytes, kind: Format) -> Example | None:
    """What can be parsed of a row with errors."""
    row, _ = inspect_row(raw, kind)
    return example_of(row, detect_format(row)) if row else None
