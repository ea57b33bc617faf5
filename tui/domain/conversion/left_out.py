"""What a conversion leaves out: every value of the source row that the converted row lacks."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from tui.domain.conversion.common import read_json
from tui.domain.conversion.dialogue_text import read_dialogue
from tui.domain.conversion.hermes import answers_in, split_calls
from tui.domain.conversion.images import MARK
from tui.domain.rows.formats import Row

_TRANSLATED = frozenset({"from", "role", "type"})
"""Keys whose texts name a kind, which the other format may name differently."""
_FORM = frozenset({"schemaVersion"})
"""Fields that only name the form of a row."""

_PARSED = re.compile(
    r"(?:tools|prompt|completion|chosen|rejected)(?:[.[].*)?|conversations.*\.(?:value|content)(?:\..*)?"
)
"""Places of texts that conversions read as JSON."""
_UNREAD = re.compile(r"conversations\[\d+\]\.(?!(?:value|content|weight)\b).*", re.DOTALL)
"""Places in turns that no conversion reads, even where a text happens to contain their value."""


def left_out(row: Row, converted: Row, fields: Collection[str]) -> Iterator[str]:
    """Places of the values that a converted row does not contain, one per field of the source.

    Args:
        row: a row of another format.
        converted: the same row in a trainable format.
        fields: the fields that the conversion reads.
    """
    for key, place in _lost(row, converted, fields):
        yield place if key in fields else key


def lost_fields(row: Row, converted: Row) -> set[str]:
    """The fields of a row that hold a value which the converted row does not contain."""
    lost = {key for key, _ in _lost(row, converted, row.keys())} - _FORM
    return {key for key in lost if converted.get(key) != row[key]}


def _lost(row: Row, converted: Row, fields: Collection[str]) -> Iterator[tuple[str, str]]:
    """Field and place of the first value in each field that was not written."""
    written = _Written.of(converted)
    for key, value in row.items():
        leaves = _leaves(value, key)
        lost = (at for at, leaf in leaves if key not in fields or not written.holds(leaf, at))
        place = next(lost, None)
        if place is not None:
            yield key, place


@dataclass(frozen=True, slots=True)
class _Written:
    """The values of a converted row: its texts in one, and its numbers and truth values."""

    text: str
    scalars: frozenset[str]

    @classmethod
    def of(cls, row: Row) -> _Written:
        leaves = [leaf for _, leaf in _leaves(row)]
        texts = [leaf for leaf in leaves if isinstance(leaf, str)]
        inner = [leaf for text in texts for _, leaf in _leaves(_structure(text))]
        scalars = (leaf for leaf in (*leaves, *inner) if not isinstance(leaf, str))
        return cls("\n".join(texts), frozenset(map(json.dumps, scalars)))

    def holds(self, leaf: Any, place: str) -> bool:
        """Whether a value was written: as it is, inside JSON, in parts, or around images."""
        if _UNREAD.fullmatch(place):
            return False
        if not isinstance(leaf, str):
            return json.dumps(leaf) in self.scalars
        if leaf in self.text or json.dumps(leaf, ensure_ascii=False)[1:-1] in self.text:
            return True
        if MARK in leaf:
            return all(self.holds(piece, place) for piece in leaf.split(MARK))
        parts = _parts(leaf) if _PARSED.fullmatch(place) else None
        return parts is not None and all(self.holds(part, at) for at, part in _leaves(parts, place))


def _parts(text: str) -> Any:
    """What a text consists of: JSON, the messages of a dialogue, calls and answers of tools."""
    structure = _structure(text) or read_dialogue(text)
    if structure:
        return structure
    calls, answers = split_calls(text), answers_in(text)
    return [*calls] if calls else answers if answers != [text] else None


def _structure(text: str) -> Any:
    """The object or list that a text holds as JSON, if any."""
    value = read_json(text) if text[:1] in ("{", "[") else None
    return value if isinstance(value, dict | list) else None


def _leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Every text, number and truth value within a value, with its place."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in _TRANSLATED or not isinstance(inner, str):
                yield from _leaves(inner, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{place}[{index}]")
    elif value is not None and value != "" and not (isinstance(value, str) and value.isspace()):
        yield place, value
