"""The passes over a file that worker processes run; imports nothing that is slow to load."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import orjson

from tui.domain.rows.check_options import CheckOptions
from tui.domain.rows.comparable_text import fingerprint, prompt_fingerprint
from tui.domain.rows.formats import Example, Format, detect_format
from tui.domain.rows.parsing import parse
from tui.domain.rows.problems import Problem
from tui.domain.rules.quality import check_quality
from tui.domain.rules.structure import check_line, example_of, is_plain, own_place, told
from tui.domain.submission.forecast import ESTIMATE
from tui.services.checking.token_counters import TokenCounter
from tui.services.reading.row_file import rows_between

if TYPE_CHECKING:
    from tui.domain.rows.row_statistics import Tally

ESTIMATED = TokenCounter(ESTIMATE, ESTIMATE)


class Status(IntEnum):
    """How a row stands; of those that are not left out, the worse the higher."""

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
class Look:
    """How rows are looked at.

    Attributes:
        kind: the file's format.
        options: what is checked, and how strictly; the model's context is known in it.
        limit: problems to tell in words at the most; all are counted.
        counter: what counts the tokens.
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
        line: number of the line that begins at `start`.
        row: number of the first row.
        rows: how many rows there are.
    """

    path: Path
    start: int
    end: int
    line: int
    row: int
    rows: int


@dataclass(slots=True)
class Checked:
    """What a pass over rows found. A column has one entry a row, or none at all.

    Attributes:
        status: one byte a row, of `Status`.
        problems: in the order of the rows, at most as many as were asked for.
        codes: the rows with a problem of each code, ascending.
        other_formats: the rows of each other format than the file's, ascending.
        tokens: tokens a row; 0 for an invalid one. Of the second pass, as all that follows.
        lengths: characters of the assistant's last text.
        prints: a fingerprint of what the row says; 0 for an invalid one.
        asked: a fingerprint of what is asked; 0 where nothing is, or the row is invalid.
        sketches: what near duplicates are searched with; empty where they are not.
        tally: what the rows are like; None after the structural pass.
    """

    status: bytearray = field(default_factory=bytearray)
    problems: list[Problem] = field(default_factory=list)
    codes: dict[str, array[int]] = field(default_factory=dict)
    other_formats: dict[Format, array[int]] = field(default_factory=dict)
    tokens: array[int] = field(default_factory=lambda: array("I"))
    lengths: array[int] = field(default_factory=lambda: array("I"))
    prints: array[int] = field(default_factory=lambda: array("Q"))
    asked: array[int] = field(default_factory=lambda: array("Q"))
    sketches: bytes = b""
    tally: Tally | None = None

    def add(self, row: int, found: Sequence[Problem], limit: int) -> None:
        """Add one row by its problems."""
        self.status.append(worst(found))
        for one in found:
            rows = self.codes.setdefault(one.code, array("I"))
            if not rows or rows[-1] != row:
                rows.append(row)
        self.problems += found[: max(0, limit - len(self.problems))]

    def add_text(self, tokens: int, length: int, print_: int, asked: int) -> None:
        """Add what the text of a row was made into."""
        self.tokens.append(tokens)
        self.lengths.append(length)
        self.prints.append(print_)
        self.asked.append(asked)


def worst(found: Iterable[Problem]) -> Status:
    """How a row with these problems stands."""
    severities = {one.severity for one in found}
    if not severities:
        return Status.OK
    return Status.INVALID if "error" in severities else Status.WARNED


def read_structure(chunk: Chunk, look: Look) -> Checked:
    """The structural pass over a part of a file.

    Raises:
        OSError: the file cannot be read.
    """
    return check_structure(_lines(chunk), look)


def read_content(chunk: Chunk, look: Look) -> Checked:
    """The second pass over a part of a file.

    Raises:
        OSError: the file cannot be read.
    """
    return check_content(_lines(chunk), look)


def check_rows(lines: Sequence[Line], look: Look) -> Checked:
    """Both passes over a few rows."""
    structure, checked = check_structure(lines, look), check_content(lines, look)
    checked.status = bytearray(map(max, structure.status, checked.status))
    for code, rows in structure.codes.items():
        checked.codes[code] = array("I", sorted({*rows, *checked.codes.get(code, ())}))
    checked.problems = structure.problems + checked.problems
    checked.other_formats = structure.other_formats
    return checked


def check_structure(lines: Iterable[Line | tuple[int, int, bytes]], look: Look) -> Checked:
    """The structural pass: which rows a service would take."""
    checked = Checked()
    plain, loads, chat = checked.status.append, orjson.loads, look.kind is Format.CHAT
    options = look.options
    for row, line, raw in lines:
        try:
            if chat and is_plain(loads(raw), raw, options):
                plain(1)
                continue
        except orjson.JSONDecodeError:
            pass
        found = check_line(raw, line, look.kind, options)[1]
        checked.add(row, found, look.limit)
        if any(one.code == "other-format" for one in found):
            other = detect_format(parse(raw)[0])
            checked.other_formats.setdefault(other, array("I")).append(row)
    return checked


def check_content(lines: Iterable[Line | tuple[int, int, bytes]], look: Look) -> Checked:
    """The second pass: quality, tokens and what is compared of each row that has no error."""
    # Loaded by whoever checks; the way to the first paint does not need it.
    from tui.domain.rows.row_statistics import Tally

    rows = [
        (row, line, example_or_none(raw, line, look.kind, look.options)) for row, line, raw in lines
    ]
    examples = [example for _, _, example in rows if example]
    counted = iter(look.counter.count_examples(examples))
    tally = Tally(look.options.context)
    checked = Checked(tally=tally)
    for row, line, example in rows:
        if example is None:
            checked.add(row, (), look.limit)
            checked.add_text(0, 0, 0, 0)
            continue
        tokens = next(counted)
        found = content_problems(example, line, tokens, look)
        checked.add(row, found, look.limit)
        answer = len(example.last_text("assistant"))
        checked.add_text(tokens, answer, fingerprint(example), prompt_fingerprint(example))
        tally.add(example, tokens, {one.code for one in found})
    checked.sketches = _sketches([example for _, _, example in rows], look.options)
    return checked


def content_problems(example: Example, line: int, tokens: int, look: Look) -> list[Problem]:
    """What the second pass finds in one row; places are named by the fields of its format."""
    found = [
        (code, own_place(where, look.kind, example.messages), text)
        for code, where, text in check_quality(example, look.options)
    ]
    context = look.options.context
    if context and tokens > context:
        text = f"The row has {tokens:,} tokens, {tokens - context:,} more than the model keeps."
        found.append(("over-context", "", text))
    return told(found, line, look.options)


def compares_near(options: CheckOptions) -> bool:
    """Whether near duplicates are searched for, in the file or across files."""
    return options.similarity > 0 and not {"near-duplicate", "near-leak"} <= options.off


def example_or_none(raw: bytes, line: int, kind: Format, options: CheckOptions) -> Example | None:
    """The example of a row without errors; a plain row is not checked a second time."""
    if not (kind.trainable or kind.convertible):
        return None  # labels and plain texts hold nothing to compare or to count
    if kind is Format.CHAT:
        try:
            row = orjson.loads(raw)
        except orjson.JSONDecodeError:
            return None
        if is_plain(row, raw, options):
            return example_of(row, kind)
    return check_line(raw, line, kind, options)[0]


def _lines(chunk: Chunk) -> Iterator[tuple[int, int, bytes]]:
    rows = rows_between(chunk.path, chunk.start, chunk.end, chunk.line)
    for row, (line, raw) in enumerate(rows, chunk.row):
        yield row, line, raw


def _sketches(examples: Sequence[Example | None], options: CheckOptions) -> bytes:
    if not compares_near(options):
        return b""
    from tui.domain.rows.similarity import text_to_compare
    from tui.services.checking.near_duplicates import sketch

    return sketch([text_to_compare(example) if example else "" for example in examples])
