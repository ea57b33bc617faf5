"""Parsing of one line: bytes -> a row, or every reason why it is invalid."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

import orjson

from tui.domain.rows.formats import Row
from tui.domain.rows.problems import quote

Finding = tuple[str, str, str]
"""Code, place and message of a problem, without its line."""

BOM = b"\xef\xbb\xbf"

_LONG_NUMBER = re.compile(rb"\d{16}")
"""Digits from which the fast parser may round a number."""
_KEY_END = re.compile(rb'(?<!\\)"\s*:')
_EXPLANATIONS = {
    "Expecting property name enclosed in double quotes": "a key in double quotes is expected",
    "Expecting value": "a value is expected",
    "Extra data": "there is extra text after the object",
    "Expecting ',' delimiter": "a comma is missing",
    "Expecting ':' delimiter": "a colon is missing",
    "Invalid control character at": "a string contains a control character",
    "Unterminated string starting at": "a string is not closed",
    "Invalid \\escape": "an escape sequence is invalid",
    "Illegal trailing comma before end of object": "there is a trailing comma",
    "Illegal trailing comma before end of array": "there is a trailing comma",
}

_ANOTHER = "another object begins, which needs a line of its own"


def parse(raw: bytes) -> tuple[Any, list[Finding]]:
    """Parse one line.

    Args:
        raw: the line without its line break.

    Returns:
        The value (None where it could not be parsed) and the findings. Where bytes are invalid, the
        value is parsed from what remains, so that further problems of the row can be reported.
    """
    findings: list[Finding] = []
    if raw.startswith(BOM):
        findings.append(("byte-order-mark", "", ""))
        raw = raw[len(BOM) :]
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        value, more = _diagnose(raw)
        return value, [*findings, *more]
    if not _surely_unique(value, raw):
        findings += _read_strictly(raw.decode())[1]
    return value, findings


def json_value(raw: bytes | str) -> Any:
    """The value of a JSON text; None where it is none, whatever the reason."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None


def with_equal_keys(items: list[tuple[str, Any]]) -> Row:
    """An object (the hook of `json.loads`) whose duplicate keys have equal values.

    Raises:
        ValueError: the values differ, so that one of them would be lost.
    """
    result: Row = {}
    for key, value in items:
        if key in result and json.dumps(result[key]) != json.dumps(value):
            raise ValueError(f"{key} has two values")
        result.setdefault(key, value)
    return result


def exact_value(raw: bytes) -> Any:
    """The value of a line with all digits of its integers; None where anything is wrong with it."""
    value, findings = parse(raw)
    if findings:
        return None
    return json.loads(raw) if _LONG_NUMBER.search(raw) else value


def _diagnose(raw: bytes) -> tuple[Any, list[Finding]]:
    """Find out why the fast parser rejected the line."""
    try:
        text, findings = raw.decode(), []
    except UnicodeDecodeError as error:
        text = raw.decode(errors="replace")
        byte = f"Byte {error.start + 1} of the line (0x{raw[error.start]:02x}) is not valid UTF-8."
        findings = [("not-utf8", "", byte)]
    try:
        value, more = _read_strictly(text)
    except json.JSONDecodeError as error:
        another = error.msg == "Extra data" and text.startswith("{", error.pos)
        reason = _ANOTHER if another else _EXPLANATIONS.get(error.msg, error.msg)
        place = f"The line is not JSON: at character {error.pos + 1}, {reason}."
        return None, [*findings, ("not-json", "", place)]
    except RecursionError:
        return None, [*findings, ("not-json", "", "The line is nested too deeply.")]
    except ValueError:
        return None, [
            *findings,
            ("not-json", "", "The line contains a number with too many digits."),
        ]
    if not findings and any(map(_is_surrogate, text)):
        more.append(("lone-surrogate", "", ""))
    elif not findings and not more:
        more.append(("lone-surrogate", "", "") if _has_surrogate(value) else _UNREADABLE)
    return value, [*findings, *more]


_UNREADABLE: Finding = ("not-json", "", "The line is nested too deeply for most JSON parsers.")


def _is_surrogate(char: str) -> bool:
    return "\ud800" <= char <= "\udfff"


def _has_surrogate(value: Any) -> bool:
    return any(map(_is_surrogate, json.dumps(value, ensure_ascii=False)))


def _read_strictly(text: str) -> tuple[Any, list[Finding]]:
    """Parse with the standard library, which reports NaN, huge numbers and duplicate keys."""
    findings: list[Finding] = []

    def number(digits: str) -> float:
        if math.isinf(value := float(digits)):
            message = f"The number {quote(digits)} is too large for most JSON parsers."
            findings.append(("not-json", "", message))
        return value

    def constant(name: str) -> float:
        findings.append(("not-a-number", "", f"The row contains {name}, which is not valid JSON."))
        return math.nan

    def pairs(items: list[tuple[str, Any]]) -> Row:
        keys = [key for key, _ in items]
        duplicates = dict.fromkeys(key for key in keys if keys.count(key) > 1)
        for key in duplicates if len(keys) < 1000 else ():
            findings.append(("duplicate-key", key, f"The key {quote(key)} is a duplicate."))
        return dict(items)

    value = json.loads(text, parse_constant=constant, parse_float=number, object_pairs_hook=pairs)
    return value, findings


def _surely_unique(value: Any, raw: bytes) -> bool:
    """Whether the value certainly has no duplicate keys, by counting; False means unknown.

    A key ends with a quote before a colon. Only a string that begins with a colon looks the same,
    so the count is never below the number of keys in the text.
    """
    if b'\\\\"' in raw:
        return False
    return len(_KEY_END.findall(raw)) == sum(_keys(value))


def _keys(value: Any) -> Iterator[int]:
    """Number of keys of each object in a value."""
    pending = [value]
    while pending:
        part = pending.pop()
        if isinstance(part, dict):
            yield len(part)
            pending += part.values()
        elif isinstance(part, list):
            pending += part
