"""Repairs of a parsed row. Each changes the row in place, and only where that is certain."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from tui.domain.conversion.common import is_conversation, with_call_ids
from tui.domain.conversion.convert import fields_left_out, to_chat
from tui.domain.rows.formats import MESSAGE_KEYS, Format, Row
from tui.domain.rows.role_names import meant_role, with_meant_keys
from tui.domain.rules.quality import SCRIPTS_WITH_MARKS, find_damage, without_outer_whitespace
from tui.domain.rules.structure import CHAT_FIELDS
from tui.domain.text import has_unsafe, without_unsafe

_CONVERSATIONS = (
    *("messages", "prompt", "completion", "chosen", "rejected"),
    *("preferred_output", "non_preferred_output"),
)
_ANSWERS = ("ideal_output", "output", "completion", "chosen", "rejected")
_TEXTS = (*_ANSWERS, "input", "instruction", "prompt", "system")
_SPELLING_MARKS = re.compile("[\u061c\u115f\u1160\u17b4\u17b5\u200b-\u200f]")

Place = tuple[Any, Any]
"""An object or list, and the key or index of a text in it."""


def conversations(row: Row) -> Iterator[list[Any]]:
    """Every list of messages in a row, whatever its format."""
    prompt = row.get("input")
    for holder in (row, prompt) if isinstance(prompt, dict) else (row,):
        for key in _CONVERSATIONS:
            if isinstance(holder.get(key), list):
                yield holder[key]


def messages(row: Row) -> Iterator[dict[str, Any]]:
    """Every message in a row that is an object."""
    for conversation in conversations(row):
        yield from (message for message in conversation if isinstance(message, dict))


def texts(row: Row, *, answers: bool = False) -> Iterator[Place]:
    """The places of all texts of a row, or of its answers only."""
    places: list[Place] = [(row, name) for name in (_ANSWERS if answers else _TEXTS)]
    for message in messages(row):
        if not answers or message.get("role") == "assistant":
            places += _content(message)
    turns = row.get("conversations")
    for turn in turns if isinstance(turns, list) else ():
        if isinstance(turn, dict) and (not answers or meant_role(turn.get("from")) == "assistant"):
            places += [(turn, "value"), (turn, "content")]
    history = row.get("history")
    for pair in history if isinstance(history, list) else ():
        if isinstance(pair, list):
            places += [(pair, index) for index in range(1 if answers else 0, len(pair))]
    for holder, key in places:
        value = holder.get(key) if isinstance(holder, dict) else holder[key]
        if isinstance(value, str):
            yield holder, key


def _content(message: dict[str, Any]) -> list[Place]:
    parts = message.get("content")
    inner = parts if isinstance(parts, list) else ()
    return [(message, "content"), *((part, "text") for part in inner if isinstance(part, dict))]


def _change(places: Iterator[Place], change: Callable[[str], str]) -> None:
    for holder, key in list(places):
        holder[key] = change(holder[key])


def strip_answers(row: Row) -> None:
    """Strip white space around answers; the indentation of several lines stays."""
    _change(texts(row, answers=True), without_outer_whitespace)


def remove_invisible(row: Row) -> None:
    """Remove control, zero-width and direction characters that are not part of the spelling."""
    _change(texts(row), _visible)


def _visible(text: str) -> str:
    if not has_unsafe(text) or find_damage(text):
        return text  # control characters are needed to repair encoding damage
    if _SPELLING_MARKS.search(text) and SCRIPTS_WITH_MARKS.search(text):
        return text
    return without_unsafe(text)


def repair_encoding(row: Row) -> None:
    """Repair texts that were decoded with the wrong encoding."""
    from ftfy import fix_encoding

    _change(texts(row), lambda text: fix_encoding(text) if find_damage(text) else text)


def remove_unknown_fields(row: Row) -> None:
    """Remove fields that chat rows do not have."""
    if not row.get("messages"):
        return
    for key in row.keys() - CHAT_FIELDS:
        del row[key]


def remove_unknown_keys(row: Row) -> None:
    """Remove unknown keys of messages that have content without them."""
    for message in messages(row):
        has_content = any(message.get(key) for key in ("content", "tool_calls", "function_call"))
        if has_content and "role" in message:
            for key in message.keys() - MESSAGE_KEYS:
                del message[key]


def rename_keys(row: Row) -> None:
    """Write the keys of messages without capitals and spaces."""
    for message in messages(row):
        spelled = with_meant_keys(message, MESSAGE_KEYS)
        if spelled != message:
            message.clear()
            message.update(spelled)


def correct_roles(row: Row) -> None:
    """Replace aliases of a role, such as bot or `User `."""
    for message in messages(row):
        meant = meant_role(message.get("role"))
        if meant:
            message["role"] = meant


def remove_empty_system(row: Row) -> None:
    """Remove system messages that hold nothing, not even under another key."""
    for conversation in conversations(row):
        conversation[:] = [message for message in conversation if not _is_empty_system(message)]


def _is_empty_system(message: Any) -> bool:
    if not (isinstance(message, dict) and message.get("role") == "system"):
        return False
    further = (message[key] for key in message if key not in ("role", "content"))
    content = message.get("content")
    return (
        isinstance(content, str) and not content.strip() and all(value is None for value in further)
    )


def move_system(row: Row) -> None:
    """Move the only system message to the front where only user messages precede it."""
    for conversation in conversations(row):
        roles = [
            message.get("role") if isinstance(message, dict) else None for message in conversation
        ]
        if roles.count("system") != 1 or "developer" in roles:
            continue
        place = roles.index("system")
        if set(roles[:place]) == {"user"}:
            conversation.insert(0, conversation.pop(place))


def join_messages(row: Row) -> None:
    """Join consecutive messages of the same role that have only text."""
    for conversation in conversations(row):
        joined: list[Any] = []
        for message in conversation:
            if joined and _can_be_joined(joined[-1], message):
                text = f"{joined[-1]['content']}\n\n{message['content']}"
                joined[-1] = {**message, "content": text}
            else:
                joined.append(message)
        conversation[:] = joined


def _can_be_joined(first: Any, second: Any) -> bool:
    if not (isinstance(first, dict) and isinstance(second, dict)):
        return False
    if first.get("role") not in ("user", "assistant"):
        return False
    contents = (first.get("content"), second.get("content"))
    same = {**first, "content": ""} == {**second, "content": ""}
    plain = first.keys() <= {"role", "content", "name", "weight"}
    return same and plain and all(isinstance(text, str) and text.strip() for text in contents)


def drop_unlearned_end(row: Row) -> None:
    """Remove the messages after the assistant's last one, which are not learned anyway."""
    conversation = row.get("messages")
    if not isinstance(conversation, list):
        return
    roles = [message.get("role") if isinstance(message, dict) else None for message in conversation]
    if "assistant" in roles:
        last = len(roles) - 1 - roles[::-1].index("assistant")
        del conversation[last + 1 :]


def write_numbers(row: Row) -> None:
    """Convert content that is an integer to text."""
    for message in messages(row):
        if type(message.get("content")) is int:
            message["content"] = str(message["content"])


def correct_weights(row: Row) -> None:
    """Convert 0 or 1 of another type; remove null, and 0 from messages that are never learned."""
    meant = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "False": 0, "True": 1}
    for message in messages(row):
        if "weight" not in message:
            continue
        weight = message["weight"]
        learned = message.get("role") == "assistant"
        if weight is None or (not learned and meant.get(str(weight)) == 0):
            del message["weight"]
        elif learned and str(weight) in meant:
            message["weight"] = meant[str(weight)]


def write_arguments(row: Row) -> None:
    """Convert arguments of calls that are objects to JSON strings."""
    for message in messages(row):
        calls = message.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            function = call.get("function") if isinstance(call, dict) else None
            if isinstance(function, dict) and isinstance(function.get("arguments"), dict):
                function["arguments"] = json.dumps(
                    function["arguments"], ensure_ascii=False, allow_nan=False
                )


def number_calls(row: Row) -> None:
    """Add the ids of calls and of their answers where either lacks them, in their order.

    Calls and answers that are marked within texts, as Hermes does, are read first; empty lists of
    calls are removed.
    """
    for message in messages(row):
        if message.get("tool_calls") == []:
            del message["tool_calls"]
    for conversation in conversations(row):
        if is_conversation(conversation):
            conversation[:] = with_call_ids(_with_read_calls(conversation))


def _with_read_calls(conversation: list[Row]) -> list[Row]:
    """Messages of nothing but texts with the calls marked in them; the same where that fails."""
    if any(message.keys() != {"role", "content"} for message in conversation):
        return conversation
    turns = {"conversations": conversation}
    chat, _ = to_chat(turns, Format.SHAREGPT)
    if chat is None or fields_left_out(turns, Format.SHAREGPT, chat):
        return conversation
    read: list[Row] = chat["messages"]
    return read
