"""Serialisation of rows: as training examples, or as rejected rows."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict

import orjson

from tui.domain.conversion.convert import fields_left_out, to_chat
from tui.domain.fixes.line_repairs import compact_json, exact_json
from tui.domain.rows.formats import Format, Row
from tui.domain.rows.parsing import BOM, exact_value
from tui.domain.rows.problems import Problem

_INDEX = re.compile(r"\[\d+\]")


def training_row(raw: bytes, kind: Format, system: str = "") -> bytes | None:
    """The row in a format that services accept; None where it has an error.

    A row of a trainable format keeps its bytes except for the byte order mark and carriage
    returns, so that no value changes.

    Args:
        raw: a row without an error.
        kind: the file's format.
        system: system prompt for a row without one.
    """
    try:
        if not kind.trainable:
            row, _ = to_chat(exact_value(raw.removeprefix(BOM)), kind, system)
            return exact_json(row) if row else None
        if system:
            row = json.loads(raw.removeprefix(BOM))  # keeps numbers of any size
            if _begin_with(system, row, kind):
                return compact_json(row)
    except (ValueError, RecursionError):
        return None
    return one_line(raw)


def dropped_fields(raw: bytes, kind: Format) -> set[str]:
    """The places of the values that `training_row` does not write, with `[]` for any index.

    Args:
        raw: a row without an error.
        kind: the file's format.
    """
    if kind.trainable:
        return set()
    row = orjson.loads(raw.removeprefix(BOM))
    converted, _ = to_chat(row, kind)
    places = fields_left_out(row, kind, converted) if converted else ()
    return {_INDEX.sub("[]", place) for place in places}


def one_line(raw: bytes) -> bytes:
    """JSON without byte order mark, carriage returns and surrounding white space."""
    return raw.removeprefix(BOM).replace(b"\r", b" ").strip()


def _begin_with(system: str, row: Row, kind: Format) -> bool:
    """Insert a system prompt; False where the row has one."""
    messages = row["input"]["messages"] if kind is Format.PREFERENCE else row["messages"]
    if messages[0]["role"] in ("system", "developer"):
        return False
    messages.insert(0, {"role": "system", "content": system})
    return True


def rejected_row(
    raw: bytes, line: int, reasons: Sequence[Problem], *, excluded: bool = False
) -> bytes:
    r"""An excluded row as a JSON line with the reasons.

    It has `line`, `problems`, and the row itself: byte for byte under `row` where it is JSON,
    otherwise as text under `raw`, with invalid UTF-8 as `\xNN`.

    Args:
        raw: the row with its edits.
        line: its line in the source, from 1.
        reasons: the problems of the row.
        excluded: whether a person excluded it; adds the key `excluded`.
    """
    head = {"line": line, "problems": [_problem_json(problem) for problem in reasons]}
    if excluded:
        head["excluded"] = True
    try:
        orjson.loads(raw.removeprefix(BOM))
    except orjson.JSONDecodeError:
        return orjson.dumps(head | {"raw": raw.decode(errors="backslashreplace")})
    return orjson.dumps(head)[:-1] + b',"row":' + one_line(raw) + b"}"


def _problem_json(problem: Problem) -> dict[str, str]:
    """A problem as JSON; lone surrogates quoted from the row are escaped."""
    values = {key: value for key, value in asdict(problem).items() if key != "line"}
    return {key: value.encode(errors="backslashreplace").decode() for key, value in values.items()}
