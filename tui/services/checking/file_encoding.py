"""Whether a file is in another encoding than UTF-8, judged by the rows that are not UTF-8."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

from tui.domain.rows.encoding_guess import SAMPLE, describe_guess, guess_encodings
from tui.domain.rows.problems import Problem, problem
from tui.services.checking.findings import Findings
from tui.services.reading.row_file import RowFile

_CODE = "not-utf8"
_SAMPLED_ROWS = 500
"""Most rows read of each kind: those known not to be UTF-8, the first ones, evenly spaced ones."""
_MOST_BYTES = 1 << 25
"""Bytes of rows after which no further one is read."""
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")
_BEFORE = 32
"""ASCII bytes of a row that are kept before its first other one, so that words are whole."""


def encoding_problems(rows: RowFile, findings: Findings) -> list[Problem]:
    """The problem of a checked file that is not UTF-8, with the encodings that it reads as.

    Raises:
        OSError: the file cannot be read.
    """
    if not findings.rows_with(_CODE):
        return []
    codecs = likely_encodings(rows, findings)
    if codecs is None:
        return []
    message, fix = describe_guess(codecs)
    return [replace(problem("other-encoding", None, message=message), fix=fix)]


def likely_encodings(rows: RowFile, findings: Findings) -> tuple[str, ...] | None:
    """The encodings that a file which is not UTF-8 may be in, best first.

    Args:
        rows: the file.
        findings: the findings so far, which name the rows that are not UTF-8.

    Returns:
        None where no row found so far is not UTF-8, or where others among the first, or evenly
        spaced ones, hold text in UTF-8: then no encoding reads all of them.

    Raises:
        OSError: the file cannot be read.
    """
    sample, size = [], 0
    for text in _texts_beyond_ascii(rows, _sampled(rows, findings)):
        if _is_utf8(text):
            return None
        if size < SAMPLE:
            sample.append(text)
            size += len(text)
    return guess_encodings(b"\n".join(sample)) if sample else None


def _sampled(rows: RowFile, findings: Findings) -> Iterable[int]:
    """Rows to look at, each once; first those known not to be UTF-8."""
    known = islice(findings.rows_with(_CODE), _SAMPLED_ROWS)
    first = range(min(len(rows), _SAMPLED_ROWS))
    spaced = range(0, len(rows), max(1, len(rows) // _SAMPLED_ROWS))
    return dict.fromkeys([*known, *first, *spaced])


def _texts_beyond_ascii(rows: RowFile, numbers: Iterable[int]) -> Iterator[bytes]:
    """The rows that are not ASCII, from just before their first other byte."""
    size = 0
    for row in numbers:
        raw = rows.read(row)
        size += len(raw)
        if beyond := _BEYOND_ASCII.search(raw):
            yield raw[max(0, beyond.start() - _BEFORE) :]
        if size > _MOST_BYTES:
            return


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
