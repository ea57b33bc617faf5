"""ShareGPT: turns of speakers, with calls of functions and what they observed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tui.domain.conversion.common import (
    Conversion,
    is_conversation,
    own_system,
    read_json,
    reject,
    text_message,
    with_object_arguments,
    with_system,
    with_tools,
)
from tui.domain.conversion.images import MARK, placed_images, text_and_images
from tui.domain.rows.formats import Row

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
_BESIDE = {"assistant": ("tool_calls", "weight"), "tool": ("tool_call_id",)}
"""What a message of a role may hold beside its content."""
_CALL = {"id", "type", "function"}
_FUNCTION = {"name", "arguments"}
_TURN = "The turn needs `from` (human, gpt, function_call, observation) and `value`."


def from_sharegpt(row: Row, system: str) -> Conversion:
    """`{conversations: [{from, value}]}`, perhaps with `system`, `tools` and `images`.

    A `function_call` becomes a message with real calls, joined with what the assistant says or
    calls directly before it; each `observation` answers the first call that has no answer yet. The
    ids are numbered through.
    """
    turns = row.get("conversations")
    if not isinstance(turns, list) or not turns:
        return reject("conversations", "`conversations` is not a list of turns.")
    messages: list[Row] = []
    waiting: list[str] = []
    for index, turn in enumerate(turns):
        message = _message(turn, f"call_{index + 1}", waiting)
        if isinstance(message, str):
            return reject(f"conversations[{index}]", message)
        _join(messages, message)
    own = placed_images(with_system(messages, own_system(row, system)), row.get("images"))
    if isinstance(own, str):
        return reject("images", own)
    return with_tools({"messages": own}, row.get("tools")), []


def _join(messages: list[Row], message: Row) -> None:
    """Add a message; calls belong to what the assistant said or called just before."""
    last = messages[-1] if messages else {}
    if "tool_calls" not in message or last.get("role") != "assistant":
        messages.append(message)
        return
    calls = [*last.get("tool_calls", ()), *message["tool_calls"]]
    messages[-1] = {**message, **last, "tool_calls": calls}


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
    if role == "tool":
        if not waiting:
            return "The observation answers no function_call before it."
        return {"role": "tool", "tool_call_id": waiting.pop(0), "content": text}
    message = _calling(text, call_id, waiting) if role == "calls" else text_message(role, text)
    weight = {"weight": turn["weight"]} if "weight" in turn else {}
    return message if isinstance(message, str) else message | weight


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
    if not calls:
        return "The function_call calls nothing."
    waiting += [str(call["id"]) for call in calls]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def to_sharegpt(row: Row) -> Conversion:
    """Turns of speakers; the ids of calls are left out, since their order tells the same."""
    messages = row.get("messages")
    if not is_conversation(messages) or not row.keys() <= {"messages", "tools"}:
        return reject("messages", "ShareGPT holds a conversation and its tools alone.")
    turns: list[Row] = []
    images: list[str] = []
    waiting: list[Any] = []
    for index, message in enumerate(messages):
        told = _turns(message, waiting, images)
        follows = index and messages[index - 1].get("role") == "assistant"
        if told is None or (follows and "tool_calls" in message):
            return reject(f"messages[{index}]", "ShareGPT cannot tell all of this message.")
        turns += told
    if images and sum(str(turn["value"]).count(MARK) for turn in turns) != len(images):
        return reject("messages", f"A text holds `{MARK}`, which is ShareGPT's mark of an image.")
    beside: Row = {"tools": _dumped(row["tools"])} if row.get("tools") else {}
    return {"conversations": turns, **beside, **({"images": images} if images else {})}, []


def _turns(message: Row, waiting: list[Any], images: list[str]) -> list[Row] | None:
    """A message as one or two turns; None where it says more than they can.

    Args:
        message: the message.
        waiting: ids of the calls that were not answered yet; this is kept up to date.
        images: addresses of the images so far; this is kept up to date.
    """
    role, calls = str(message.get("role")), message.get("tool_calls")
    known = {"role", "content", *_BESIDE.get(role, ())}
    content = message.get("content")
    told = ("", []) if content is None and calls else text_and_images(content)
    if not message.keys() <= known or told is None or role not in _NAMES:
        return None
    if role == "tool" and (not waiting or waiting.pop(0) != message.get("tool_call_id")):
        return None
    text, urls = told
    images += urls
    weight = {"weight": message["weight"]} if "weight" in message else {}
    if not calls:
        return [{"from": _NAMES[role], "value": text, **weight}]
    functions = _functions(message)
    if functions is None:
        return None
    waiting += [call.get("id") for call in calls]
    value = _dumped(functions[0] if len(functions) == 1 else functions)
    before = [{"from": "gpt", "value": text, **weight}] if text else []
    return [*before, {"from": "function_call", "value": value, **({} if text else weight)}]


def _functions(message: Row) -> list[Row] | None:
    """The called functions of a message; None where a call is damaged or says more."""
    told = with_object_arguments(message)["tool_calls"]
    if not isinstance(told, list):
        return None
    calls = [call for call in told if isinstance(call, dict) and call.keys() <= _CALL]
    functions = [call.get("function") for call in calls]
    whole = [one for one in functions if isinstance(one, dict) and one.keys() == _FUNCTION]
    return whole if len(whole) == len(told) else None
