"""ShareGPT: turns of speakers, with function calls and observations."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
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
from tui.domain.conversion.hermes import declared_in, spoken_parts
from tui.domain.conversion.images import MARK, placed_images, row_images, text_and_images
from tui.domain.rows.formats import Row, filled
from tui.domain.rows.problems import quote
from tui.domain.rows.role_names import meant_role

_TOOL_SPEAKERS: Mapping[str, str] = {
    "function_call": "calls",
    "tool_call": "calls",
    "observation": "tool",
    "tool": "tool",
    "tool_response": "tool",
    "function_response": "tool",
}
"""Speaker -> role; `calls` for a message that calls functions."""
_NAMES = {"user": "human", "assistant": "gpt", "system": "system", "tool": "observation"}
_EXTRA_KEYS = {"assistant": ("tool_calls", "weight"), "tool": ("tool_call_id",)}
"""Keys that a message of a role may have beside its content."""
_CALL_KEYS = {"id", "type", "function"}
_FUNCTION_KEYS = {"name", "arguments"}
_ARGUMENTS = ("arguments", "parameters", "args", "input")
"""Keys under which exports have the arguments of a call."""
_TURN = "The turn needs `from` (human, gpt, function_call, observation) and `value`."
_SPEAKERS = "human, gpt, system, function_call or observation"


def speaker_role(speaker: Any) -> str | None:
    """The role of a speaker of ShareGPT, `calls` for one that calls functions; None if unknown."""
    role = meant_role(speaker)
    if role in ("user", "assistant", "system"):
        return role
    return _TOOL_SPEAKERS.get(speaker.strip().lower()) if isinstance(speaker, str) else None


def from_sharegpt(row: Row, system: str) -> Conversion:
    """Convert `{conversations: [{from, value}]}` with optional `system`, `tools` and `images`.

    A `function_call`, or a call marked within a text as Hermes does, becomes a message with
    `tool_calls`, merged into an assistant message directly before it; each `observation` answers
    the first open call. The ids are numbered.
    """
    turns = row.get("conversations")
    if not isinstance(turns, list) or not turns:
        return reject("conversations", "`conversations` is not a list of turns.")
    messages: list[Row] = []
    open_ids: list[str] = []
    for index, turn in enumerate(turns):
        for message in _turn_messages(turn, f"call_{index + 1}", open_ids):
            if isinstance(message, str):
                return reject(f"conversations[{index}]", message)
            _append_message(messages, message)
    placed = placed_images(with_system(messages, own_system(row, system)), row_images(row))
    if isinstance(placed, str):
        return reject("images", placed)
    return with_tools({"messages": placed}, row.get("tools") or _tools_in_prompt(messages)), []


def _tools_in_prompt(messages: list[Row]) -> list[Any]:
    """The tools that the system prompt of a conversation with calls declares."""
    prompt = messages[0]["content"] if messages[0]["role"] == "system" else ""
    calls = any("tool_calls" in message for message in messages)
    return declared_in(prompt) if calls else []


def _append_message(messages: list[Row], message: Row) -> None:
    """Append a message; calls are merged into an assistant message directly before them."""
    last = messages[-1] if messages else {}
    if "tool_calls" not in message or last.get("role") != "assistant":
        messages.append(message)
        return
    calls = [*last.get("tool_calls", ()), *message["tool_calls"]]
    messages[-1] = {**message, **last, "tool_calls": calls}


def _turn_messages(turn: Any, call_id: str, open_ids: list[str]) -> Iterator[Row | str]:
    """A turn as messages, one for each part of it, or the reason why it cannot be one.

    Args:
        turn: the turn.
        call_id: prefix of the ids of its calls.
        open_ids: ids of the unanswered calls; updated in place.
    """
    fields = filled(turn) if isinstance(turn, dict) else {}
    speaker = fields.get("from", fields.get("role"))
    text = fields.get("value", fields.get("content"))
    if not (isinstance(speaker, str) and isinstance(text, str)):
        yield _TURN
        return
    role = speaker_role(speaker)
    if role is None:
        yield f"The speaker {quote(speaker)} is unknown; use {_SPEAKERS}."
        return
    weight = {"weight": fields["weight"]} if "weight" in fields else {}
    for part_role, part in spoken_parts(role, text):
        message = _message(part_role, part, call_id, open_ids)
        own_weight = weight if part_role != "tool" else {}
        yield message if isinstance(message, str) else message | own_weight


def _message(role: str, text: str, call_id: str, open_ids: list[str]) -> Row | str:
    if role == "calls":
        return _call_message(text, call_id, open_ids)
    if role != "tool":
        return text_message(role, text)
    if not open_ids:
        return "The observation has no function_call before it; add the call, or leave it out."
    return {"role": "tool", "tool_call_id": open_ids.pop(0), "content": text}


def _call_message(text: str, call_id: str, open_ids: list[str]) -> Row | str:
    value = read_json(text)
    requests = value if isinstance(value, list) else [value]
    calls = []
    for number, request in enumerate(requests):
        if not (isinstance(request, dict) and isinstance(request.get("name"), str)):
            return "The function_call is not JSON with `name` and `arguments`."
        arguments: Any = next((request[key] for key in _ARGUMENTS if key in request), {})
        arguments_text = arguments if isinstance(arguments, str) else _to_json(arguments)
        name = f"{call_id}_{number}" if number else call_id
        function = {"name": request["name"], "arguments": arguments_text}
        calls.append({"id": name, "type": "function", "function": function})
    if not calls:
        return "The function_call is empty."
    open_ids += [str(call["id"]) for call in calls]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def to_sharegpt(row: Row) -> Conversion:
    """Convert a conversation to turns; call ids are left out, since their order is enough."""
    messages = row.get("messages")
    if not is_conversation(messages) or not row.keys() <= {"messages", "tools"}:
        return reject("messages", "ShareGPT supports only a conversation and its tools.")
    turns: list[Row] = []
    images: list[str] = []
    open_ids: list[Any] = []
    for index, message in enumerate(messages):
        message_turns = _turns(message, open_ids, images)
        follows = index and messages[index - 1].get("role") == "assistant"
        if message_turns is None or (follows and "tool_calls" in message):
            return reject(f"messages[{index}]", "ShareGPT cannot represent this message.")
        turns += message_turns
    if images and sum(str(turn["value"]).count(MARK) for turn in turns) != len(images):
        return reject("messages", f"A text contains `{MARK}`, ShareGPT's image placeholder.")
    tools: Row = {"tools": _to_json(row["tools"])} if row.get("tools") else {}
    return {"conversations": turns, **tools, **({"images": images} if images else {})}, []


def _turns(message: Row, open_ids: list[Any], images: list[str]) -> list[Row] | None:
    """A message as one or two turns; None where data would be lost.

    Args:
        message: the message.
        open_ids: ids of the unanswered calls; updated in place.
        images: addresses of the images so far; updated in place.
    """
    role, calls = str(message.get("role")), message.get("tool_calls")
    known = {"role", "content", *_EXTRA_KEYS.get(role, ())}
    content = message.get("content")
    text_content = ("", []) if content is None and calls else text_and_images(content)
    if not message.keys() <= known or text_content is None or role not in _NAMES:
        return None
    if role == "tool" and (not open_ids or open_ids.pop(0) != message.get("tool_call_id")):
        return None
    text, urls = text_content
    images += urls
    weight = {"weight": message["weight"]} if "weight" in message else {}
    if not calls:
        return [{"from": _NAMES[role], "value": text, **weight}]
    functions = _functions(message)
    if functions is None:
        return None
    open_ids += [call.get("id") for call in calls]
    value = _to_json(functions[0] if len(functions) == 1 else functions)
    before = [{"from": "gpt", "value": text, **weight}] if text else []
    return [*before, {"from": "function_call", "value": value, **({} if text else weight)}]


def _functions(message: Row) -> list[Row] | None:
    """The called functions of a message; None where a call is malformed or has other keys."""
    calls = with_object_arguments(message)["tool_calls"]
    if not isinstance(calls, list):
        return None
    known_calls = [call for call in calls if isinstance(call, dict) and call.keys() <= _CALL_KEYS]
    functions = [call.get("function") for call in known_calls]
    complete = [
        function
        for function in functions
        if isinstance(function, dict) and function.keys() == _FUNCTION_KEYS
    ]
    return complete if len(complete) == len(calls) else None
