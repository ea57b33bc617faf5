"""Rules for the arguments of tool calls: they are held against the declared `parameters`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

from tui.domain.rows.parsing import Finding, json_value
from tui.domain.rows.problems import quote

_MOST_FINDINGS: Final = 5
"""Findings that are reported of one call."""
_DEEPEST: Final = 16
"""Levels of a value that are compared; deeper ones count as right."""
_COMBINED: Final = frozenset({"$ref", "allOf", "anyOf", "oneOf", "if", "patternProperties"})
"""Keywords that may declare further properties in a place that is not looked at."""

_TYPES: Final[Mapping[str, tuple[str, Callable[[Any], bool]]]] = {
    "object": ("an object", lambda value: isinstance(value, dict)),
    "array": ("a list", lambda value: isinstance(value, list)),
    "string": ("a string", lambda value: isinstance(value, str)),
    "boolean": ("a boolean", lambda value: isinstance(value, bool)),
    "null": ("null", lambda value: value is None),
    "integer": ("an integer", lambda value: _is_number(value) and value == value // 1),
    "number": ("a number", lambda value: _is_number(value)),
}
"""JSON Schema's types: noun phrase and test."""


def check_arguments(row: Mapping[str, Any], conversations: Mapping[str, Any]) -> Iterator[Finding]:
    """Check the arguments of each call against the JSON schema of its function.

    `type`, `enum`, `required`, `properties`, `additionalProperties` and `items` are compared; what
    another keyword says is not. Properties that `properties` does not list are reported unless
    `additionalProperties` allows them: JSON Schema does, but then the model learns arguments that
    the function does not have.

    Args:
        row: has `tools` and the deprecated `functions`; not validated.
        conversations: the value of each key that holds messages; not validated.
    """
    schemas = _schemas(row)
    for where, call in _calls(conversations) if schemas else ():
        name, arguments = call.get("name"), call.get("arguments")
        schema = schemas.get(name) if isinstance(name, str) else None
        value = _parsed(arguments) if schema else None
        if schema and isinstance(value, dict):
            for sentence in islice(_mismatches(value, schema, ""), _MOST_FINDINGS):
                yield "tool-arguments-mismatch", f"{where}.arguments", sentence


def _schemas(row: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The parameters of each declared function that has some."""
    declared = [tool.get("function") for tool in _items(row.get("tools")) if isinstance(tool, dict)]
    schemas = {}
    for function in [*declared, *_items(row.get("functions"))]:
        parameters = function.get("parameters") if isinstance(function, dict) else None
        if isinstance(parameters, dict) and isinstance(function.get("name"), str):
            schemas[function["name"]] = parameters
    return schemas


def _calls(conversations: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The function of each call, with its place."""
    for key, messages in conversations.items():
        for index, message in enumerate(_items(messages)):
            if not isinstance(message, dict):
                continue
            where = f"{key}[{index}]"
            if isinstance(message.get("function_call"), dict):
                yield f"{where}.function_call", message["function_call"]
            for number, call in enumerate(_items(message.get("tool_calls"))):
                function = call.get("function") if isinstance(call, dict) else None
                if isinstance(function, dict):
                    yield f"{where}.tool_calls[{number}].function", function


def _parsed(arguments: Any) -> Any:
    """The arguments as a value; None where they are not JSON, which is another problem."""
    return json_value(arguments) if isinstance(arguments, str) else arguments


def _mismatches(value: Any, schema: Any, path: str, depth: int = 0) -> Iterator[str]:
    """How a value differs from its schema, as sentences.

    Args:
        value: any JSON value.
        schema: its schema; anything that is not an object says nothing.
        path: the argument, such as `lines[2].part`; empty for all of them.
        depth: levels above it.
    """
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return
    wanted = _wanted_types(schema)
    if wanted and not any(test(value) for _, test in wanted):
        names = " or ".join(name for name, _ in wanted)
        yield f"{_subject(path)} {_shown(value)}, not {names}."
        return
    choices = schema.get("enum")
    if isinstance(choices, list) and choices and not any(_equal(value, each) for each in choices):
        yield f"{_subject(path)} {_shown(value)}, which `enum` does not list."
    if isinstance(value, dict):
        yield from _object_mismatches(value, schema, path, depth)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _mismatches(item, schema.get("items"), f"{path}[{index}]", depth + 1)


def _object_mismatches(
    value: dict[str, Any], schema: dict[str, Any], path: str, depth: int
) -> Iterator[str]:
    for key in _items(schema.get("required")):
        if isinstance(key, str) and key not in value:
            yield f"The required argument {quote(_joined(path, key))} is missing."
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return
    more = schema.get("additionalProperties")
    closed = more is False or (more is None and not any(map(schema.get, _COMBINED)))
    for key, item in value.items():
        if key in properties:
            yield from _mismatches(item, properties[key], _joined(path, key), depth + 1)
        elif closed:
            yield f"The argument {quote(_joined(path, key))} is not declared."


def _wanted_types(schema: dict[str, Any]) -> list[tuple[str, Callable[[Any], bool]]]:
    """The types that a schema allows; none where it names a type that JSON Schema does not have."""
    kind = schema.get("type")
    names = kind if isinstance(kind, list) else [] if kind is None else [kind]
    if not all(isinstance(name, str) and name in _TYPES for name in names):
        return []
    if names and schema.get("nullable") is True:  # of OpenAPI
        names = [*names, "null"]
    return [_TYPES[name] for name in names]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _equal(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same; true is not 1."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _subject(path: str) -> str:
    return f"The argument {quote(path)} is" if path else "The arguments are"


def _shown(value: Any) -> str:
    """A value for a message: short; lists and objects by their type."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = quote(value)
    return text if isinstance(value, str) else text[1:-1]


def _joined(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
