"""Bytes of one line -> a row, or every reason why it is none."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import orjson

from tui.domain.rows.formats import Row
from tui.domain.rows.problems import quote

Finding = tuple[str, str, str]
"""Code, place and message of a problem whose line is known elsewhere."""

BOM = b"\xef\xbb\xbf"

_KEY_END = re.compile(rb'(?<!\\)"\s*:')
_EXPLAINED = {
    "Expecting property name enclosed in double quotes": "a key in double quotes is expected",
    "Expecting value": "a value is expected",
    "Extra data": "something follows after the object",
    "Expecting ',' delimiter": "a comma is missing",
    "Expecting ':' delimiter": "a colon is missing",
    "Invalid control character at": "a control character stands in a string",
    "Unterminated string starting at": "a string is not closed",
    "Invalid \\escape": "a backslash begins no known escape",
    "Illegal trailing comma before end of object": "a comma stands before the end",
    "Illegal trailing comma before end of array": "a comma stands before the end",
}


def parse(raw: bytes) -> tuple[Any, list[Finding]]:
    """Read one line that is not known to be plain.

    Args:
        raw: the line without its line break.

    Returns:
        The value (None where nothing could be read) and what is wrong with its form. Where the
        bytes are damaged the value is what remains after the damage, so that further problems of
        the row can be told.
    """
    found: list[Finding] = []
    if raw.startswith(BOM):
        found.append(("byte-order-mark", "", ""))
        raw = raw[len(BOM) :]
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        value, trouble = _diagnose(raw)
        return value, [*found, *trouble]
    if not _surely_unique(value, raw):
        found += _read_strictly(raw.decode())[1]
    return value, found


def _diagnose(raw: bytes) -> tuple[Any, list[Finding]]:
    """Why the fast reader refused the line; it does not say so itself."""
    try:
        text, found = raw.decode(), []
    except UnicodeDecodeError as error:
        text = raw.decode(errors="replace")
        byte = f"Byte {error.start + 1} of the line (0x{raw[error.start]:02x}) is not valid UTF-8."
        found = [("not-utf8", "", byte)]
    try:
        value, trouble = _read_strictly(text)
    except json.JSONDecodeError as error:
        reason = _EXPLAINED.get(error.msg, error.msg)
        place = f"The line is not JSON: at character {error.pos + 1}, {reason}."
        return None, [*found, ("not-json", "", place)]
    except RecursionError:
        return None, [*found, ("not-json", "", "The line is nested too deeply.")]
    except ValueError:
        return None, [*found, ("not-json", "", "The line holds a number of too many digits.")]
    if not found and any(map(_is_surrogate, text)):
        trouble.append(("lone-surrogate", "", ""))
    elif not found and not trouble:
        trouble.append(("lone-surrogate", "", "") if _has_surrogate(value) else _UNREADABLE)
    return value, [*found, *trouble]


_UNREADABLE: Finding = ("not-json", "", "The line is JSON that most readers refuse (too deep).")


def _is_surrogate(char: str) -> bool:
    return "\ud800" <= char <= "\udfff"


def _has_surrogate(value: Any) -> bool:
    return any(map(_is_surrogate, json.dumps(value, ensure_ascii=False)))


def _read_strictly(text: str) -> tuple[Any, list[Finding]]:
    """Read with the standard library, which tells NaN and keys that stand twice."""
    found: list[Finding] = []

    def constant(name: str) -> None:
        found.append(("not-a-number", "", f"The row holds {name}, which JSON does not know."))

    def pairs(items: list[tuple[str, Any]]) -> Row:
        keys = [key for key, _ in items]
        twice = dict.fromkeys(key for key in keys if keys.count(key) > 1)
        for key in twice if len(keys) < 1000 else ():
            found.append(("duplicate-key", key, f"The key {quote(key)} stands twice."))
        return dict(items)

    return json.loads(text, parse_constant=constant, object_pairs_hook=pairs), found


def _surely_unique(value: Any, raw: bytes) -> bool:
    """Whether no object has a key twice, told by counting; False means that it must be looked at.

    A key ends with a quote before a colon. Nothing else looks so but a string that begins with a
    colon, so the count is never below the number of keys written.
    """
    if b'\\\\"' in raw:
        return False
    return len(_KEY_END.findall(raw)) == sum(_keys(value))


def _keys(value: Any) -> Iterator[int]:
    """Numbers of keys of all objects in a value; its depth is bounded by the reader's."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield len(part)
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
