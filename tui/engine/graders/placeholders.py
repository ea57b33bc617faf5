"""Templates with `{{ item.answer }}`: values are inserted once, and nothing is evaluated."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

MAX_CHARACTERS = 100_000
"""Length limit of a filled template."""

_PLACEHOLDER = re.compile(r"\{\{([^{}]*)\}\}")
_PATH = re.compile(r"\s*([A-Za-z_]\w*)((?:\.\w+|\[\d{1,6}\])*)\s*")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")


class PlaceholderError(ValueError):
    """A template contains an invalid placeholder; the message is one plain sentence."""


class ValueMissing(LookupError):
    """A placeholder has no value.

    Attributes:
        path: of the placeholder, such as `item.answer`.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class TextTooLong(ValueError):
    """A filled template exceeds `MAX_CHARACTERS`."""


def check_placeholders(text: str, names: tuple[str, ...]) -> None:
    """Check that all placeholders of a template begin with one of these names.

    Raises:
        PlaceholderError: one does not.
    """
    rest = _PLACEHOLDER.sub("", text)
    if "{%" in rest or "{{" in rest:
        raise PlaceholderError("The template contains {{ or {% outside a placeholder.")
    for content in _PLACEHOLDER.findall(text):
        path = _PATH.fullmatch(content)
        if path is None or path[1] not in names:
            known = " or ".join(f"{{{{ {name}.key }}}}" for name in names)
            raise PlaceholderError(
                f"{{{{{content[:60]}}}}} is not a valid placeholder; use {known}, with dots and "
                "[0] for nested values."
            )


def fill(text: str, values: Mapping[str, Any]) -> str:
    """Replace placeholders by their values; a value other than text is inserted as JSON.

    Args:
        text: a template that `check_placeholders` accepts.
        values: JSON values by the first name of a placeholder.

    Raises:
        ValueMissing: a placeholder has no value.
        TextTooLong: the result exceeds `MAX_CHARACTERS`.
    """
    pieces: list[str] = []
    length = 0
    for piece in _pieces(text, values):
        length += len(piece)
        if length > MAX_CHARACTERS:
            raise TextTooLong
        pieces.append(piece)
    return "".join(pieces)


def _pieces(text: str, values: Mapping[str, Any]) -> Iterator[str]:
    end = 0
    for match in _PLACEHOLDER.finditer(text):
        yield text[end : match.start()]
        value = _look_up(match[1].strip(), values)
        yield value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        end = match.end()
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
