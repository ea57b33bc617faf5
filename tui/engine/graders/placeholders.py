"""Texts with `{{ item.answer }}` in them: values are put in once, and nothing is evaluated."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

MOST_CHARACTERS = 100_000
"""Of a text, with everything put in."""

_PLACEHOLDER = re.compile(r"\{\{([^{}]*)\}\}")
_PATH = re.compile(r"\s*([A-Za-z_]\w*)((?:\.\w+|\[\d{1,6}\])*)\s*")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")


class PlaceholderError(ValueError):
    """A text holds a placeholder that is none; the message is one plain sentence."""


class ValueMissing(LookupError):
    """There is no value for a placeholder; carries its name and path, such as `item.answer`."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class TextTooLong(ValueError):
    """A text is too long once everything is put in."""


def check_placeholders(text: str, names: tuple[str, ...]) -> None:
    """Make sure that a text holds placeholders of these names alone.

    Raises:
        PlaceholderError: it does not.
    """
    around = _PLACEHOLDER.sub("", text)
    if "{%" in around or "{{" in around:
        raise PlaceholderError("It holds {{ or {% that begins no placeholder.")
    for inner in _PLACEHOLDER.findall(text):
        path = _PATH.fullmatch(inner)
        if path is None or path[1] not in names:
            known = " or ".join(f"{{{{ {name}.key }}}}" for name in names)
            raise PlaceholderError(
                f"{{{{{inner[:60]}}}}} is not a placeholder that is supported; use {known}, with "
                "dots and [0] for what lies deeper."
            )


def fill(text: str, values: Mapping[str, Any]) -> str:
    """Put values in the places of their placeholders; a value other than text is put in as JSON.

    Args:
        text: one that `check_placeholders` let pass.
        values: JSON values by the first part of a placeholder.

    Raises:
        ValueMissing: a placeholder leads to nothing.
        TextTooLong: the text would have more than `MOST_CHARACTERS`.
    """
    pieces: list[str] = []
    length = 0
    for piece in _pieces(text, values):
        length += len(piece)
        if length > MOST_CHARACTERS:
            raise TextTooLong
        pieces.append(piece)
    return "".join(pieces)


def _pieces(text: str, values: Mapping[str, Any]) -> Iterator[str]:
    end = 0
    for found in _PLACEHOLDER.finditer(text):
        yield text[end : found.start()]
        value = _look_up(found[1].strip(), values)
        yield value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        end = found.end()
    yield text[end:]


def _look_up(path: str, values: Mapping[str, Any]) -> Any:
    value: Any = values
    for key, index in _STEP.findall("." + path):
        if key and isinstance(value, Mapping) and key in value:
            value = value[key]
        elif isinstance(value, list) and index and int(index) < len(value):
            value = value[int(index)]
        else:
            raise ValueMissing(path)
    return value
