"""The passes over a file that worker processes run; imports nothing that is slow to load."""

from __future__ import annotations

import signal
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

import orjson

from tui.domain.examples import Example, Format, text_of
from tui.domain.problems import Problem, problem
from tui.domain.quality import check_quality, fingerprint
from tui.domain.rules import check_line, example_of, is_plain, own_place
from tui.services.row_file import rows_between
from tui.services.tokens import CHARACTERS_PER_TOKEN, Encoder, find_encoder


class Status(IntEnum):
    """How a row stands; the worse the higher."""

    UNCHECKED = 0
    OK = 1
    WARNED = 2
    INVALID = 3


@dataclass(frozen=True, slots=True)
class Chunk:
    """A range of rows of a file.

    Attributes:
        path: the file.
        start: first byte.
        end: byte after the last.
        first_line: number of the line that begins at `start`.
        kind: the file's format.
    """

    path: Path
    start: int
    end: int
    first_line: int
    kind: Format


@dataclass(slots=True)
class Checked:
    """What a pass over a chunk found.

    Attributes:
        status: one byte a row, of `Status`.
        problems: in the order of the rows, at most as many as were asked for.
        codes: how often each code was found, those beyond the limit included.
        tokens: tokens in all texts; 0 after the structural pass.
        prints: a fingerprint a row, 0 for an invalid one; empty after the structural pass.
    """

    status: bytearray = field(default_factory=bytearray)
    problems: list[Problem] = field(default_factory=list)
    codes: Counter[str] = field(default_factory=Counter)
    tokens: int = 0
    prints: array[int] = field(default_factory=lambda: array("Q"))

    def add(self, found: list[Problem], limit: int) -> None:
        """Add one row by its problems."""
        severities = {one.severity for one in found}
        worst = Status.INVALID if "error" in severities else Status.WARNED
        self.status.append(worst if found else Status.OK)
        self.codes.update(one.code for one in found)
        self.problems += found[: max(0, limit - len(self.problems))]


def check_structure(chunk: Chunk, limit: int) -> Checked:
    """The structural pass: which rows a service would take.

    Args:
        chunk: the rows.
        limit: problems to tell at the most.

    Raises:
        OSError: the file cannot be read.
    """
    checked = Checked()
    plain, loads, chat = checked.status.append, orjson.loads, chunk.kind is Format.CHAT
    for line, raw in rows_between(chunk.path, chunk.start, chunk.end, chunk.first_line):
        try:
            if chat and is_plain(loads(raw), raw):
                plain(1)
                continue
        except orjson.JSONDecodeError:
            pass
        checked.add(check_line(raw, line, chunk.kind)[1], limit)
    return checked


def check_content(chunk: Chunk, limit: int) -> Checked:
    """The second pass: quality, tokens and a fingerprint of each row that has no error.

    Args:
        chunk: the rows.
        limit: problems to tell at the most.

    Raises:
        OSError: the file cannot be read.
    """
    checked = Checked()
    encoder = find_encoder()
    texts: list[str] = []
    for line, raw in rows_between(chunk.path, chunk.start, chunk.end, chunk.first_line):
        example = _example(raw, line, chunk.kind)
        if example is None:
            checked.add([], limit)
            checked.prints.append(0)
            continue
        checked.add(quality_problems(example, line, chunk.kind), limit)
        checked.prints.append(fingerprint(example))
        texts += texts_of(example)
    checked.tokens = _count(texts, encoder)
    return checked


def quality_problems(example: Example, line: int, kind: Format) -> list[Problem]:
    """The quality problems of one row; places are named by the fields of its format."""
    return [
        problem(code, line, own_place(where, kind), text)
        for code, where, text in check_quality(example)
    ]


def texts_of(example: Example) -> Iterator[str]:
    """Every text of an example that is counted as tokens."""
    for message in (*example.messages, *example.preferred, *example.rejected):
        yield text_of(message)


def _example(raw: bytes, line: int, kind: Format) -> Example | None:
    """The example of a row without errors; a plain row is not checked a second time."""
    if kind is Format.CHAT:
        try:
            row = orjson.loads(raw)
        except orjson.JSONDecodeError:
            return None
        if is_plain(row, raw):
            return example_of(row, kind)
    return check_line(raw, line, kind)[0]


def _count(texts: list[str], encoder: Encoder | None) -> int:
    if encoder is None:
        return sum(map(len, texts)) // CHARACTERS_PER_TOKEN
    return sum(encoder(texts))


def ignore_interrupt() -> None:
    """Let ctrl+c end the parent alone; it ends the workers then, without their tracebacks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
