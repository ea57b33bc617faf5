"""Whether a file is in another encoding than UTF-8, judged by the rows that are not UTF-8."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from tui.domain.rows.encoding_guess import SAMPLE, describe_guess, guess_encodings
from tui.domain.rows.problems import Problem, problem
from tui.services.checking.findings import Findings
from tui.services.reading.row_file import RowFile

_CODE = "not-utf8"
_SAMPLED_ROWS = 1000
"""Rows that are read of a file at most; of those found to be damaged as many again."""


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
        None where no row found so far is not UTF-8, or where others hold text in UTF-8: then no
        encoding reads all of them.

    Raises:
        OSError: the file cannot be read.
    """
    first = range(min(len(rows), _SAMPLED_ROWS))
    known = islice(findings.rows_with(_CODE), _SAMPLED_ROWS)
    sample, size = [], 0
    for raw in _beyond_ascii(rows, dict.fromkeys([*known, *first])):
        if _is_utf8(raw):
            return None
        if size < SAMPLE:
            sample.append(raw)
            size += len(raw)
    return guess_encodings(b"\n".join(sample)) if sample else None


def _beyond_ascii(rows: RowFile, numbers: dict[int, None]) -> Iterator[bytes]:
    return (raw for row in numbers if not (raw := rows.read(row)).isascii())


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
