"""One row as people see it: a line of a table, or all of it, with everything known of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tui.domain.rows.edits import RowEdit
from tui.domain.rows.formats import Example, Format, detect_format
from tui.domain.rows.problems import Problem
from tui.domain.rules.structure import check_line, example_of, inspect_row
from tui.domain.text import preview
from tui.services.checking.passes import Look, Status, content_problems, worst

_SHOWN = 300
_RAW_SHOWN = 1 << 18


@dataclass(frozen=True, slots=True)
class RowView:
    """One row as a table shows it, with pending edits; texts are scrubbed and short.

    Attributes:
        row: number of the row, from 0.
        line: number of its line, from 1.
        status: how it stands; `UNCHECKED` is never given here.
        problems: errors first.
        turns: number of messages.
        user: the user's last text.
        assistant: the assistant's last text.
        tokens: in all its texts; 0 while they are not counted, and for a row with an error.
        length: characters of the assistant's last text.
        excluded: a person left it out.
        edited: its text is not the source's.
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
        example: what could be read, also of a row with errors; None where nothing could.
        raw: the beginning of the row's text. Not scrubbed.
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
    look: Look,
    ties: Iterable[Problem],
) -> RowDetail:
    """A row in full, looked at anew.

    Args:
        row: its number, from 0.
        line: number of its line, from 1.
        raw: its bytes, with pending edits.
        edit: what a person did to it.
        tokens: in all its texts; 0 while they are not counted.
        look: how rows are looked at.
        ties: its problems that only a look over all rows finds.
    """
    sound, problems = check_line(raw, line, look.kind, look.options)
    if sound:
        problems = problems + content_problems(sound, line, tokens, look)
    problems += ties
    example = sound or _shown(raw, look.kind)
    text = raw[: 4 * _SHOWN].decode(errors="replace")
    answer = example.last_text("assistant") if example else ""
    view = RowView(
        row,
        line,
        Status.EXCLUDED if edit.excluded else worst(problems),
        tuple(problems),
        example.turns if example else 0,
        preview(example.last_text("user") if example else text, _SHOWN),
        preview(answer, _SHOWN),
        tokens,
        len(answer),
        edit.excluded,
        edit.raw is not None,
    )
    return RowDetail(view, example, raw[:_RAW_SHOWN].decode(errors="replace"))


def _shown(raw: bytes, kind: Format) -> Example | None:
    """What can be shown of a row with errors."""
    row, _ = inspect_row(raw, kind)
    return example_of(row, detect_format(row)) if row else None
