"""What the converters share: conversations, tool declarations, and arguments as text or object."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeGuard

from tui.domain.rows.formats import Row, filled
from tui.domain.rows.parsing import Finding, with_equal_keys

Conversion = tuple[Row | None, list[Finding]]
"""The converted row, or None, and the findings that prevented the conversion."""


def reject(where: str, text: str, code: str = "bad-field") -> Conversion:
    """A row that cannot be converted, with the field that is the reason."""
    return None, [(code, where, text)]


def text_message(role: str, text: str) -> Row:
    """A message that has only text."""
    return {"role": role, "content": text}


def with_system(messages: list[Row], system: str) -> list[Row]:
    """Messages that begin with a system prompt: their own, or the given one if there is one."""
    if not system or (messages and messages[0].get("role") in ("system", "developer")):
        return messages
    return [text_message("system", system), *messages]


def own_system(row: Row, system: str) -> str:
    """The system prompt that a row brings, or the given one."""
    own = row.get("system") or row.get("system_prompt")
    return own if isinstance(own, str) and own else system


def missing_texts(row: Row, *names: str) -> list[Finding]:
    """Findings for the required fields that are missing or not text."""
    findings: list[Finding] = []
    for name in names:
        if name not in row:
            findings.append(("missing-field", name, f"The row has no `{name}`."))
        elif not isinstance(row[name], str):
            findings.append(("bad-field", name, f"`{name}` is not text."))
    return findings


def read_json(value: Any) -> Any:
    """Parse a text as JSON; one that would lose a value is returned unchanged, as all else is."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value, object_pairs_hook=with_equal_keys)
    except (ValueError, RecursionError):
        return value


def with_tools(row: Row, tools: Any) -> Row:
    """A row with tool declarations in OpenAI's form; other exports have them bare, or as text.

    A value that is not a list is left as it is, so that the rules can report it.
    """
    value = read_json(tools)
    if value is None or value == [] or value == "":
        return row
    declared = [declared_tool(tool) for tool in value] if isinstance(value, list) else value
    return {**row, "tools": declared}


def declared_tool(tool: Any) -> Any:
    """A declaration inside `{"type": "function", "function": ...}`, if it is not there yet."""
    bare = isinstance(tool, dict) and "function" not in tool and "name" in tool
    return {"type": "function", "function": tool} if bare else tool


def with_text_arguments(message: Any) -> Any:
    """A message whose calls carry their arguments as JSON in a string, as OpenAI requires."""
    return _with_arguments(message, _as_text)


def with_object_arguments(message: Any) -> Any:
    """A message whose calls carry their arguments as an object, as TRL's chat templates require."""
    return _with_arguments(message, read_json)


def with_call_ids(messages: list[Row]) -> list[Row]:
    """Messages with ids on calls and tool messages; TRL's rows may lack both.

    A tool message without an id answers the first open call, preferring one of the same name.
    """
    result: list[Row] = []
    open_calls: dict[str, Any] = {}
    for index, message in enumerate(messages):
        calls = message.get("tool_calls")
        if isinstance(calls, list):
            named = [_named_call(call, index, number) for number, call in enumerate(calls)]
            message = {**message, "tool_calls": named}
            open_calls |= {str(call["id"]): _name(call) for call in named if isinstance(call, dict)}
        elif message.get("role") == "tool" and open_calls:
            message = _with_call_id(message, open_calls)
        result.append(message)
    return result


def _named_call(call: Any, index: int, number: int) -> Any:
    if not isinstance(call, dict) or call.get("id") is not None:
        return call
    end = f"_{number}" if number else ""
    return {"id": f"call_{index + 1}{end}", "type": "function", **filled(call)}


def _name(call: Row) -> Any:
    function = call.get("function")
    return function.get("name") if isinstance(function, dict) else None


def _with_call_id(message: Row, open_calls: dict[str, Any]) -> Row:
    """A tool message with the id of its call, which is removed from `open_calls`."""
    own, name = message.get("tool_call_id"), message.get("name")
    if own is not None:
        open_calls.pop(str(own), None)
        return message
    call_id = next(
        (open_id for open_id, open_name in open_calls.items() if open_name == name),
        next(iter(open_calls)),
    )
    del open_calls[call_id]
    return {**message, "tool_call_id": call_id}


def _as_text(arguments: Any) -> Any:
    if not isinstance(arguments, dict):
        return arguments
    return json.dumps(arguments, ensure_ascii=False)


def _with_arguments(message: Any, change: Callable[[Any], Any]) -> Any:
    calls = message.get("tool_calls") if isinstance(message, dict) else None
    if not isinstance(calls, list):
        return message
    return {**message, "tool_calls": [_changed_call(call, change) for call in calls]}


def _changed_call(call: Any, change: Callable[[Any], Any]) -> Any:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or "arguments" not in function:
        return call
    return {**call, "function": {**function, "arguments": change(function["arguments"])}}


def is_conversation(value: Any) -> TypeGuard[list[Row]]:
    """Whether a value is a list of objects, as messages are."""
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def plain_texts(messages: Any, *roles: str) -> list[str] | None:
    """The texts of messages that have just these roles and nothing but text; None for others."""
    if not is_conversation(messages) or len(messages) != len(roles):
        return None
    texts = []
    for message, role in zip(messages, roles, strict=True):
        content = message.get("content")
        if message.keys() != {"role", "content"} or message["role"] != role:
            return None
        if not isinstance(content, str):
            return None
        texts.append(content)
    return texts
