"""A row of a file -> the bytes that are written of it: as a training example, or as rejected."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

import orjson

from tui.domain.conversion.convert import to_chat
from tui.domain.fixes.line_repairs import compact_json
from tui.domain.rows.formats import Format, Row
from tui.domain.rows.parsing import BOM
from tui.domain.rows.problems import Problem


def training_row(raw: bytes, kind: Format, system: str = "") -> bytes | None:
    """The row as a service takes it; None where it has an error.

    A row of a trainable format keeps its bytes, but for the byte order mark and line breaks
    outside its texts, so nothing in it is read and written differently.

    Args:
        raw: a row without an error.
        kind: the file's format.
        system: system prompt for a row that brings none.
    """
    try:
        if not kind.trainable:
            row, _ = to_chat(orjson.loads(raw.removeprefix(BOM)), kind, system)
            return orjson.dumps(row) if row else None
        if system:
            row = json.loads(raw.removeprefix(BOM))  # keeps numbers of any size
            if _begin_with(system, row, kind):
                return compact_json(row)
    except (ValueError, RecursionError):
        return None
    return one_line(raw)


def one_line(raw: bytes) -> bytes:
    """JSON without what may stand around it; a carriage return is white space there."""
    return raw.removeprefix(BOM).replace(b"\r", b" ").strip()


def _begin_with(system: str, row: Row, kind: Format) -> bool:
    """Give a row a system prompt; False where it has one."""
    messages = row["input"]["messages"] if kind is Format.PREFERENCE else row["messages"]
    if messages[0]["role"] in ("system", "developer"):
        return False
    messages.insert(0, {"role": "system", "content": system})
    return True


def rejected_row(
    raw: bytes, line: int, reasons: Sequence[Problem], *, excluded: bool = False
) -> bytes:
    r"""A row that was left out, as a line that tells why.

    It has `line`, `problems`, and the row itself: under `row` where it is JSON, byte for byte;
    under `raw` as text where it is none, with bytes that are no UTF-8 as `\xNN`.

    Args:
        raw: the row, with a person's edits.
        line: its line in the source.
        reasons: the problems that speak against it.
        excluded: a person left it out, which is told as `excluded`.
    """
    head = {"line": line, "problems": [_told(one) for one in reasons]}
    if excluded:
        head["excluded"] = True
    try:
        orjson.loads(raw.removeprefix(BOM))
    except orjson.JSONDecodeError:
        return orjson.dumps(head | {"raw": raw.decode(errors="backslashreplace")})
    return orjson.dumps(head)[:-1] + b',"row":' + one_line(raw) + b"}"


def _told(one: Problem) -> dict[str, str]:
    """A problem as JSON; its text may hold halves of surrogate pairs out of the row."""
    values = {key: value for key, value in asdict(one).items() if key != "line"}
    return {key: value.encode(errors="backslashreplace").decode() for key, value in values.items()}
