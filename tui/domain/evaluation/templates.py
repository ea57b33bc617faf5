"""Templates with places such as `{{item.question}}`, as test sets of other tools have them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_PLACE = re.compile(r"\{\{-?(.*?)-?\}\}", re.DOTALL)
_PATH = re.compile(r"[\w-]+(?:\.[\w-]+|\[\d+\])*")
_NAME = re.compile(r"[\w-]+")


def render(template: str, values: Mapping[str, Any]) -> str:
    """Fill in the places of a template; values that are not text are written as JSON.

    Raises:
        ValueError: a place has no value, or the template has more than places.
    """
    if "{%" in template or "{#" in template:
        raise ValueError("its template has more than `{{names}}`, which ftui does not run")
    return _PLACE.sub(lambda match: as_text(_value(match[1].strip(), values)), template)


def place_names(templates: Any) -> frozenset[str]:
    """The names in the places of some templates, also within lists and objects."""
    places = _PLACE.findall(as_text(templates))
    return frozenset(name for place in places for name in _NAME.findall(place))


def value_at(path: str, values: Any) -> Any:
    """The value at a path such as `item.choices[0]`; None where there is none."""
    for name in _NAME.findall(path):
        if isinstance(values, Mapping):
            values = values.get(name)
        elif isinstance(values, list) and name.isdecimal() and int(name) < len(values):
            values = values[int(name)]
        else:
            return None
    return values


def as_text(value: Any) -> str:
    """A text as it is; any other value as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _value(path: str, values: Mapping[str, Any]) -> Any:
    value = value_at(path, values) if _PATH.fullmatch(path) else None
    if value is None:
        raise ValueError(f"its template has `{{{{{path}}}}}`, which the row has not")
    return value
