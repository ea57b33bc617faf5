"""Repairs of the JSON syntax of a line whose meaning is certain."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from tui.domain.rows.parsing import BOM, with_equal_keys

# Possessive, so that an unterminated string of 10 MB is scanned once.
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["{}\[\]]', re.DOTALL)
_SENTENCE_END = re.compile(r"""(?<!\d)[.!?…。！？]["'”’»)\]]*\Z""")
_SURROGATE = re.compile("[\ud800-\udfff]")
_AFTER = ", \t\r\v\f"
"""Characters after a row that mean nothing."""
_CLOSERS = {"{": "}", "[": "]"}


def compact_json(value: Any) -> bytes:
    """A value as compact JSON; whole numbers keep all their digits.

    Raises:
        ValueError: the value contains NaN, Infinity or a lone surrogate.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode()


def exact_json(value: Any) -> bytes:
    """A value without NaN and lone surrogates as compact JSON; fast, and exact as well."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:  # a number of more than 64 bits
        return compact_json(value)


def remove_mark(raw: bytes) -> bytes:
    """A line without its byte order mark."""
    return raw.removeprefix(BOM)


def complete(raw: bytes) -> bytes | None:
    """Repair a raw control character in a string, a comma after the row, or a missing end.

    The end is added only where it consists of brackets, or where the last string is complete: it
    ends with a sentence, or is JSON itself.

    Raises:
        ValueError: the line is not UTF-8, or a key has two values.
    """
    text = raw.decode()
    try:
        row = text.removeprefix("\ufeff").rstrip(_AFTER)
        return compact_json(json.loads(row, strict=False, object_pairs_hook=with_equal_keys))
    except json.JSONDecodeError:
        end = _missing_end(text)
        return (text.rstrip() + end).encode() if end else None


def _missing_end(text: str) -> str | None:
    """The missing closing quote and brackets of a text; None where more may be missing."""
    closers: list[str] = []
    for token in _TOKEN.finditer(text):
        first = text[token.start()]
        if first in _CLOSERS:
            closers.append(_CLOSERS[first])
        elif first in "}]":
            if not closers or closers.pop() != first:
                return None
        elif token.end() - token.start() == 1:
            whole = _is_whole(text[token.end() :])
            return '"' + "".join(reversed(closers)) if whole else None
    return "".join(reversed(closers)) if text.rstrip().endswith(('"', "}", "]")) else None


def _is_whole(cut: str) -> bool:
    """Whether an unterminated JSON string may be complete."""
    try:
        text = json.loads(f'"{cut.rstrip()}"')
    except ValueError:
        return False
    if _SENTENCE_END.search(text):
        return True
    try:
        return isinstance(orjson.loads(text), dict | list)
    except ValueError:
        return False


def replace_nan(raw: bytes) -> bytes:
    """Replace NaN by null; Infinity is an intended number and cannot be replaced.

    Raises:
        ValueError: the row cannot be parsed, or contains Infinity.
    """

    def constant(name: str) -> None:
        if name != "NaN":
            raise ValueError(f"{name} is not replaced")

    return compact_json(json.loads(raw.removeprefix(BOM), parse_constant=constant))


def drop_half_characters(raw: bytes) -> bytes:
    """Remove lone surrogates, which are not characters.

    Raises:
        ValueError: the row cannot be parsed.
    """
    text = json.dumps(json.loads(raw.removeprefix(BOM)), ensure_ascii=False, separators=(",", ":"))
    return _SURROGATE.sub("", text).encode()


def drop_equal_keys(raw: bytes) -> bytes:
    """Remove duplicate keys that have the same value.

    Raises:
        ValueError: the row cannot be parsed, or the values differ.
    """
    return compact_json(json.loads(raw.removeprefix(BOM), object_pairs_hook=with_equal_keys))


def unwrap(raw: bytes) -> bytes | None:
    """Unwrap an object in a JSON string, or wrap a bare list of messages in an object.

    Raises:
        ValueError: the row cannot be parsed, or a key in the string has two values.
    """
    value = json.loads(raw.removeprefix(BOM))
    if isinstance(value, str):
        return drop_equal_keys(value.encode())
    return compact_json({"messages": value}) if isinstance(value, list) else None
