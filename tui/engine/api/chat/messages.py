"""The messages of a chat request: checked, and put plainly for the model's template."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tui.engine.errors import ApiError

_ROLES = ("system", "developer", "user", "assistant", "tool")

_KEYS = {"role", "content", "name"}
_MORE_KEYS = {"assistant": {"refusal", "tool_calls"}, "tool": {"tool_call_id"}}


def plain_messages(messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The messages with text contents alone; what an assistant called stays as it is.

    Raises:
        ApiError: a message is not one, or holds something other than text and calls.
    """
    called: set[str] = set()
    return [_plain(message, f"messages[{index}]", called) for index, message in enumerate(messages)]


def _plain(message: dict[str, Any], where: str, called: set[str]) -> dict[str, Any]:
    role = message.get("role")
    if role not in _ROLES:
        said = f"{where} has the role {str(role)[:40]!r}; use one of {', '.join(_ROLES)}."
        raise _invalid(said, f"{where}.role")
    _require_known_keys(message, where)
    plain: dict[str, Any] = {"role": role}
    calls = [
        _call(call, f"{where}.tool_calls[{index}]")
        for index, call in enumerate(_list(message.get("tool_calls") or [], f"{where}.tool_calls"))
    ]
    if calls:
        plain["tool_calls"] = calls
        called |= {call["id"] for call in calls}
    if role == "tool":
        plain["tool_call_id"] = _answered(message.get("tool_call_id"), where, called)
    for key in ("name", "refusal"):
        if message.get(key) is not None:
            plain[key] = _string(message[key], f"{where}.{key}")
    content = message.get("content")
    if content is not None or not (calls or "refusal" in plain):
        plain["content"] = _text(content, f"{where}.content")
    return plain


def _require_known_keys(message: dict[str, Any], where: str) -> None:
    """What a client sends back of an earlier answer is full of keys without a value."""
    known = _KEYS | _MORE_KEYS.get(message["role"], set())
    for key, value in message.items():
        if key not in known and value not in (None, [], {}):
            raise ApiError(
                400,
                f"{where} has {key[:40]!r}, which this engine does not take there.",
                param=f"{where}.{key[:40]}",
                code="unsupported_parameter",
            )


def _call(call: Any, where: str) -> dict[str, Any]:
    """A call of a function; its arguments stay the JSON text that they are."""
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or call.get("type", "function") != "function":
        raise _invalid(f"{where} is no call of a function.", where)
    arguments = _string(function.get("arguments"), f"{where}.function.arguments")
    try:
        is_object = isinstance(json.loads(arguments), dict)
    except (ValueError, RecursionError):
        is_object = False
    if not is_object:
        said = f"{where}.function.arguments is not a JSON object."
        raise _invalid(said, f"{where}.function.arguments")
    name = _string(function.get("name"), f"{where}.function.name")
    return {
        "id": _string(call.get("id"), f"{where}.id"),
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }


def _answered(call: Any, where: str, called: set[str]) -> str:
    """The id of the call that a tool's message answers."""
    found = _string(call, f"{where}.tool_call_id")
    if found not in called:
        said = f"{where} answers the call {found[:80]!r}, which no message before it makes."
        raise _invalid(said, f"{where}.tool_call_id")
    return found


def _text(content: Any, where: str) -> str:
    if not isinstance(content, list):
        return _string(content, where)
    return "".join(_part_text(part, where) for part in content)


def _part_text(part: Any, where: str) -> str:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind not in ("text", "refusal"):
        raise ApiError(
            400,
            f"{where} holds a part of the type {str(kind)[:40]!r}; this engine takes text alone.",
            param=where,
            code="unsupported_content",
        )
    return _string(part.get(kind), where)


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise _invalid(f"{where} is no list.", where)
    return value


def _string(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise _invalid(f"{where} is no text.", where)
    return value


def _invalid(message: str, param: str) -> ApiError:
    return ApiError(400, message, param=param, code="invalid_value")
