"""Repairs of a line's form: what it means is certain, only how it is written is wrong."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from tui.domain.rows.parsing import BOM

# Possessive, so that a string of 10 MB without an end costs one look.
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["{}\[\]]', re.DOTALL)
_SENTENCE_END = re.compile(r"""(?<!\d)[.!?…。！？]["'”’»)\]]*\Z""")
_SURROGATE = re.compile("[\ud800-\udfff]")
_CLOSERS = {"{": "}", "[": "]"}


def compact_json(value: Any) -> bytes:
    """A value as compact JSON; whole numbers keep all their digits.

    Raises:
        ValueError: it holds what JSON does not know, as NaN or half of a surrogate pair.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode()


def remove_mark(raw: bytes) -> bytes:
    """A line without its byte order mark."""
    return raw.removeprefix(BOM)


def complete(raw: bytes) -> bytes | None:
    """A line that is no JSON for a raw control character in a string, or for its missing end.

    The end is added only where it is brackets alone, or where the text that was cut is whole: the
    last sentence has its end, or it is JSON itself.

    Raises:
        ValueError: the line is no UTF-8.
    """
    text = raw.decode()
    try:
        return compact_json(json.loads(text.removeprefix("\ufeff"), strict=False))
    except json.JSONDecodeError:
        end = _missing_end(text)
        return (text.rstrip() + end).encode() if end else None


def _missing_end(text: str) -> str | None:
    """The closing brackets, and quote, that a text lacks; None where more may be missing."""
    waiting: list[str] = []
    for token in _TOKEN.finditer(text):
        first = text[token.start()]
        if first in _CLOSERS:
            waiting.append(_CLOSERS[first])
        elif first in "}]":
            if not waiting or waiting.pop() != first:
                return None
        elif token.end() - token.start() == 1:
            whole = _is_whole(text[token.end() :])
            return '"' + "".join(reversed(waiting)) if whole else None
    return "".join(reversed(waiting)) if text.rstrip().endswith(('"', "}", "]")) else None


def _is_whole(cut: str) -> bool:
    """Whether the beginning of a JSON string may be all of it."""
    try:
        said = json.loads(f'"{cut.rstrip()}"')
    except ValueError:
        return False
    if _SENTENCE_END.search(said):
        return True
    try:
        return isinstance(orjson.loads(said), dict | list)
    except ValueError:
        return False


def replace_nan(raw: bytes) -> bytes:
    """A row with null for NaN; Infinity is a number that somebody meant and stays.

    Raises:
        ValueError: the row cannot be read, or holds Infinity.
    """

    def constant(name: str) -> None:
        if name != "NaN":
            raise ValueError(f"{name} is not replaced")

    return compact_json(json.loads(raw.removeprefix(BOM), parse_constant=constant))


def drop_half_characters(raw: bytes) -> bytes:
    """A row without lone halves of surrogate pairs, which are no characters.

    Raises:
        ValueError: the row cannot be read.
    """
    text = json.dumps(json.loads(raw.removeprefix(BOM)), ensure_ascii=False, separators=(",", ":"))
    return _SURROGATE.sub("", text).encode()


def drop_equal_keys(raw: bytes) -> bytes:
    """A row in which a key that stands twice with the same value stands once.

    Raises:
        ValueError: the row cannot be read, or the two values differ.
    """

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for key, value in items:
            if key in kept and json.dumps(kept[key]) != json.dumps(value):
                raise ValueError(f"{key} has two values")
            kept.setdefault(key, value)
        return kept

    return compact_json(json.loads(raw.removeprefix(BOM), object_pairs_hook=pairs))


def unwrap(raw: bytes) -> bytes | None:
    """The object that was written as a JSON string, or the messages that lack their object.

    Raises:
        ValueError: the row cannot be read.
    """
    value = json.loads(raw.removeprefix(BOM))
    if isinstance(value, str):
        return compact_json(json.loads(value))
    return compact_json({"messages": value}) if isinstance(value, list) else None
