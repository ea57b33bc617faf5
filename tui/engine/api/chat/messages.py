"""The messages of a chat request: validated, and simplified for the model's template."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tui.engine.errors import ApiError

_ROLES = ("system", "developer", "user", "assistant", "tool")

_KEYS = {"role", "content", "name"}
_EXTRA_KEYS = {"assistant": {"refusal", "tool_calls"}, "tool": {"tool_call_id"}}


def plain_messages(messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the messages with every content as plain text; tool calls stay as they are.

    Raises:
        ApiError: a message is invalid, or holds something other than text and calls.
    """
    call_ids: set[str] = set()
    return [
        _plain_message(message, f"messages[{index}]", call_ids)
        for index, message in enumerate(messages)
    ]


def _plain_message(message: dict[str, Any], path: str, call_ids: set[str]) -> dict[str, Any]:
    role = message.get("role")
    if role not in _ROLES:
        text = f"Invalid role {str(role)[:40]!r} in {path}; supported roles: {', '.join(_ROLES)}."
        raise _invalid(text, f"{path}.role")
    _require_known_keys(message, path)
    plain: dict[str, Any] = {"role": role}
    calls = [
        _call(call, f"{path}.tool_calls[{index}]")
        for index, call in enumerate(_list(message.get("tool_calls") or [], f"{path}.tool_calls"))
    ]
    if calls:
        plain["tool_calls"] = calls
        call_ids |= {call["id"] for call in calls}
    if role == "tool":
        plain["tool_call_id"] = _known_call_id(message.get("tool_call_id"), path, call_ids)
    for key in ("name", "refusal"):
        if message.get(key) is not None:
            plain[key] = _string(message[key], f"{path}.{key}")
    content = message.get("content")
    if content is not None or not (calls or "refusal" in plain):
        plain["content"] = _text(content, f"{path}.content")
    return plain


def _require_known_keys(message: dict[str, Any], path: str) -> None:
    """Refuse unknown keys that have a value; replies that clients send back hold many without."""
    known = _KEYS | _EXTRA_KEYS.get(message["role"], set())
    for key, value in message.items():
        if key not in known and value not in (None, [], {}):
            raise ApiError(
                400,
                f"Unsupported key {key[:40]!r} in {path}.",
                param=f"{path}.{key[:40]}",
                code="unsupported_parameter",
            )


def _call(call: Any, path: str) -> dict[str, Any]:
    """A function call; its arguments stay JSON text."""
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or call.get("type", "function") != "function":
        raise _invalid(f"{path} must be a function call.", path)
    arguments = _string(function.get("arguments"), f"{path}.function.arguments")
    try:
        is_object = isinstance(json.loads(arguments), dict)
    except (ValueError, RecursionError):
        is_object = False
    if not is_object:
        text = f"{path}.function.arguments must be a JSON object."
        raise _invalid(text, f"{path}.function.arguments")
    name = _string(function.get("name"), f"{path}.function.name")
    return {
        "id": _string(call.get("id"), f"{path}.id"),
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }


def _known_call_id(value: Any, path: str, call_ids: set[str]) -> str:
    """The id of the call that a tool message answers."""
    call_id = _string(value, f"{path}.tool_call_id")
    if call_id not in call_ids:
        text = f"{path} answers the tool call {call_id[:80]!r}, but no earlier message makes it."
        raise _invalid(text, f"{path}.tool_call_id")
    return call_id


def _text(content: Any, path: str) -> str:
    if not isinstance(content, list):
        return _string(content, path)
    return "".join(_part_text(part, path) for part in content)


def _part_text(part: Any, path: str) -> str:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind not in ("text", "refusal"):
        raise ApiError(
            400,
            f"{path} has a part of type {str(kind)[:40]!r}; this engine supports text only.",
            param=path,
            code="unsupported_content",
        )
    return _string(part.get(kind), path)


def _list(value: Any, path: str) -> list[Any]:
    if not isinstance(value, list):
        raise _invalid(f"{path} must be an array.", path)
    return value


def _string(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise _invalid(f"{path} must be a string.", path)
    return value


def _invalid(message: str, param: str) -> ApiError:
    return ApiError(400, message, param=param, code="invalid_value")
