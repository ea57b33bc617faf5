"""The passes over a file that worker processes run; imports nothing that is slow to load."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

import orjson

from tui.domain.check_options import DEFAULT_OPTIONS, CheckOptions
from tui.domain.examples import Example, Format, detect_format
from tui.domain.problems import Problem
from tui.domain.quality import check_quality, fingerprint
from tui.domain.row_reading import parse
from tui.domain.row_texts import prompt_fingerprint, texts_of
from tui.domain.rules import check_line, example_of, is_plain, own_place, told
from tui.services.row_file import rows_between
from tui.services.tokens import CHARACTERS_PER_TOKEN, Encoder, find_encoder


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
        options: what is checked, and how strictly.
        limit: problems to tell in words at the most; all are counted.
    """

    kind: Format
    options: CheckOptions
    limit: int


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
        other_formats: lines of rows of other formats than the file's, by their format.
        tokens: tokens a row; 0 for an invalid one. Of the second pass, as all that follows.
        lengths: characters of the assistant's last text.
        prints: a fingerprint of what the row says; 0 for an invalid one.
        asked: a fingerprint of what is asked; 0 where nothing is, or the row is invalid.
    """

    status: bytearray = field(default_factory=bytearray)
    problems: list[Problem] = field(default_factory=list)
    codes: dict[str, array[int]] = field(default_factory=dict)
    other_formats: dict[Format, array[int]] = field(default_factory=dict)
    tokens: array[int] = field(default_factory=lambda: array("I"))
    lengths: array[int] = field(default_factory=lambda: array("I"))
    prints: array[int] = field(default_factory=lambda: array("Q"))
    asked: array[int] = field(default_factory=lambda: array("Q"))

    def add(self, row: int, found: Sequence[Problem], limit: int) -> None:
        """Add one row by its problems."""
        self.status.append(worst(found))
        for one in found:
            rows = self.codes.setdefault(one.code, array("I"))
            if not rows or rows[-1] != row:
                rows.append(row)
        self.problems += found[: max(0, limit - len(self.problems))]


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
            checked.other_formats.setdefault(other, array("Q")).append(line)
    return checked


def check_content(lines: Iterable[Line | tuple[int, int, bytes]], look: Look) -> Checked:
    """The second pass: quality, tokens and fingerprints of each row that has no error."""
    checked = Checked()
    texts: list[str] = []
    counts: list[int] = []
    for row, line, raw in lines:
        example = _example(raw, line, look)
        said = list(texts_of(example)) if example else []
        texts += said
        counts.append(len(said))
        found = quality_problems(example, line, look.kind, look.options) if example else []
        checked.add(row, found, look.limit)
        checked.prints.append(fingerprint(example) if example else 0)
        checked.asked.append(prompt_fingerprint(example) if example else 0)
        checked.lengths.append(len(example.last_text("assistant")) if example else 0)
    checked.tokens = _tokens_a_row(texts, counts, find_encoder())
    return checked


def quality_problems(
    example: Example, line: int, kind: Format, options: CheckOptions = DEFAULT_OPTIONS
) -> list[Problem]:
    """The quality problems of one row; places are named by the fields of its format."""
    found = (
        (code, own_place(where, kind), text)
        for code, where, text in check_quality(example, options)
    )
    return told(found, line, options)


def _lines(chunk: Chunk) -> Iterator[tuple[int, int, bytes]]:
    rows = rows_between(chunk.path, chunk.start, chunk.end, chunk.line)
    for row, (line, raw) in enumerate(rows, chunk.row):
        yield row, line, raw


def _example(raw: bytes, line: int, look: Look) -> Example | None:
    """The example of a row without errors; a plain row is not checked a second time."""
    if look.kind is Format.CHAT:
        try:
            row = orjson.loads(raw)
        except orjson.JSONDecodeError:
            return None
        if is_plain(row, raw, look.options):
            return example_of(row, look.kind)
    return check_line(raw, line, look.kind, look.options)[0]


def _tokens_a_row(texts: list[str], counts: list[int], encoder: Encoder | None) -> array[int]:
    tokens = encoder(texts) if encoder else [len(one) // CHARACTERS_PER_TOKEN for one in texts]
    coming = iter(tokens)
    return array("I", (sum(next(coming) for _ in range(count)) for count in counts))
