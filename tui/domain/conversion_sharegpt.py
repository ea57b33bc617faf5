"""ShareGPT: turns of speakers, with calls of functions and what they observed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tui.domain.conversion_parts import (
    Converted,
    own_system,
    read_json,
    refused,
    said,
    with_object_arguments,
    with_system,
    with_tools,
)
from tui.domain.examples import Row

_SPEAKERS: Mapping[str, str] = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
    "system": "system",
    "function_call": "calls",
    "tool_call": "calls",
    "observation": "tool",
    "tool": "tool",
    "tool_response": "tool",
    "function_response": "tool",
}
_NAMES = {"user": "human", "assistant": "gpt", "system": "system", "tool": "observation"}
_TURN = "The turn needs `from` (human, gpt, function_call, observation) and `value`."


def from_sharegpt(row: Row, system: str) -> Converted:
    """`{conversations: [{from, value}]}`, perhaps with `system` and `tools`.

    A `function_call` becomes a message with real calls, and each `observation` the answer to the
    first call that has none yet; the ids are numbered through.
    """
    turns = row.get("conversations")
    if not isinstance(turns, list) or not turns:
        return refused("conversations", "`conversations` is not a list of turns.")
    messages: list[Row] = []
    waiting: list[str] = []
    for index, turn in enumerate(turns):
        message = _message(turn, f"call_{index + 1}", waiting)
        if isinstance(message, str):
            return refused(f"conversations[{index}]", message)
        messages.append(message)
    own = with_system(messages, own_system(row, system))
    return with_tools({"messages": own}, row.get("tools")), []


def _message(turn: Any, call_id: str, waiting: list[str]) -> Row | str:
    """A turn as a message, or what is wrong with it.

    Args:
        turn: the turn.
        call_id: how the ids of its calls begin.
        waiting: ids of the calls that no observation answered yet; this is kept up to date.
    """
    speaker = turn.get("from", turn.get("role")) if isinstance(turn, dict) else None
    text = turn.get("value", turn.get("content")) if isinstance(turn, dict) else None
    role = _SPEAKERS.get(speaker) if isinstance(speaker, str) else None
    if role is None or not isinstance(text, str):
        return _TURN
    if role == "calls":
        return _calling(text, call_id, waiting)
    if role == "tool":
        if not waiting:
            return "The observation answers no function_call before it."
        return {"role": "tool", "tool_call_id": waiting.pop(0), "content": text}
    weight = {"weight": turn["weight"]} if "weight" in turn else {}
    return said(role, text) | weight


def _calling(text: str, call_id: str, waiting: list[str]) -> Row | str:
    value = read_json(text)
    asked = value if isinstance(value, list) else [value]
    calls = []
    for number, one in enumerate(asked):
        if not (isinstance(one, dict) and isinstance(one.get("name"), str)):
            return "A function_call is JSON with `name` and `arguments`."
        arguments = one.get("arguments", {})
        written = arguments if isinstance(arguments, str) else _dumped(arguments)
        name = f"{call_id}_{number}" if number else call_id
        function = {"name": one["name"], "arguments": written}
        calls.append({"id": name, "type": "function", "function": function})
    waiting += [str(call["id"]) for call in calls]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def to_sharegpt(row: Row) -> Converted:
    """Turns of speakers; refused where content has parts, or speaks and calls at once."""
    messages = row.get("messages")
    turns = []
    for index, message in enumerate(messages if isinstance(messages, list) else ()):
        turn = _turn(message) if isinstance(message, dict) else None
        if turn is None:
            return refused(f"messages[{index}]", "ShareGPT holds texts and calls alone.")
        turns.append(turn)
    tools = {"tools": _dumped(row["tools"])} if row.get("tools") else {}
    return {"conversations": turns, **tools}, []


def _turn(message: Row) -> Row | None:
    content, calls = message.get("content"), message.get("tool_calls")
    if calls:
        functions = [call.get("function") for call in with_object_arguments(message)["tool_calls"]]
        return None if content else {"from": "function_call", "value": _dumped(functions)}
    name = _NAMES.get(str(message.get("role")))
    if name is None or not isinstance(content, str):
        return None
    weight = {"weight": message["weight"]} if "weight" in message else {}
    return {"from": name, "value": content, **weight}
