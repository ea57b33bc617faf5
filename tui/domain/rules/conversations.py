"""Rules for a conversation: messages, roles, content, weights, order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tui.domain.rows.formats import MESSAGE_KEYS, ROLES, filled
from tui.domain.rows.parsing import Finding
from tui.domain.rows.problems import quote
from tui.domain.rows.role_names import meant_key, meant_role
from tui.domain.rules.tools import check_calls, check_pairing

PART_TEXT = {"text": "text", "input_text": "text", "output_text": "text", "refusal": "refusal"}
"""Type of a part of the content with text -> the key of the text."""
_MEDIA_PARTS = frozenset({"image_url", "input_audio", "file", "image"})


def check_conversation(messages: Any, where: str = "messages") -> Iterator[Finding]:
    """Check a list of messages on its own.

    Args:
        messages: the value of the key, of any type.
        where: the key.
    """
    if not isinstance(messages, list):
        yield "bad-field", where, f"`{where}` is {_kind(messages)}; it must be a list of messages."
        return
    if not messages:
        yield "no-messages", where, f"`{where}` is an empty list."
        return
    for index, message in enumerate(messages):
        yield from check_message(message, f"{where}[{index}]")
    yield from check_pairing(messages, where)


def check_message(message: Any, where: str) -> Iterator[Finding]:
    """Check one message."""
    if not isinstance(message, dict):
        yield "message-not-object", where, f"The message is {_kind(message)}, not an object."
        return
    fields = filled(message)
    for key in sorted(fields.keys() - MESSAGE_KEYS):
        meant = meant_key(key, MESSAGE_KEYS - fields.keys())
        code = "misspelled-key" if meant else "unknown-key"
        hint = f"; it stands for {quote(meant)}" if meant else ""
        yield code, f"{where}.{key}"[:80], f"The key {quote(key)} is unknown{hint}."
    role = fields.get("role")
    yield from _check_role(fields, where)
    yield from _check_content(message, role, where)
    yield from _check_weight(fields, role, where)
    if not isinstance(fields.get("name", ""), str):
        yield "bad-name", f"{where}.name", f"The name is {_kind(fields['name'])}, not a string."
    yield from check_calls(message, role, where)


def _check_role(message: dict[str, Any], where: str) -> Iterator[Finding]:
    if "role" not in message:
        yield "missing-role", where, ""
        return
    role = message["role"]
    if isinstance(role, str) and role in ROLES:
        return
    meant = meant_role(role)
    hint = f' Did you mean "{meant}"?' if meant else ""
    yield "unknown-role", f"{where}.role", f"The role {quote(role)} is unknown.{hint}"


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _check_content(message: dict[str, Any], role: Any, where: str) -> Iterator[Finding]:
    place = f"{where}.content"
    content = message.get("content")
    if content is None:
        if not (role == "assistant" and _has_other_content(message)):
            state = "is null" if "content" in message else "is missing"
            yield "missing-content", place, f"The content {state}."
    elif isinstance(content, str):
        if (not content or content.isspace()) and not _has_other_content(message):
            yield ("empty-system" if role == "system" else "empty-content"), place, ""
    elif not isinstance(content, list):
        yield "bad-content", place, f"The content is {_kind(content)}."
    elif not content:
        yield "empty-content", place, "The list of parts is empty."
    else:
        for index, part in enumerate(content):
            yield from _check_part(part, role, f"{place}[{index}]")


def _has_other_content(message: dict[str, Any]) -> bool:
    return any(message.get(key) for key in ("tool_calls", "function_call", "refusal", "audio"))


def _check_part(part: Any, role: Any, where: str) -> Iterator[Finding]:
    if not isinstance(part, dict):
        yield "bad-part", where, f"The part is {_kind(part)}, not an object."
        return
    kind = part.get("type")
    key = PART_TEXT.get(kind) if isinstance(kind, str) else None
    if key:
        if not isinstance(part.get(key), str):
            yield "bad-part", f"{where}.{key}", f"The part has no text under `{key}`."
    elif not (isinstance(kind, str) and kind in _MEDIA_PARTS):
        yield "bad-part", f"{where}.type", f"The part type {quote(kind)} is unknown."
    elif role != "user":
        yield "bad-part", where, f"A part of type {quote(kind)} is allowed in user messages only."


def _check_weight(message: dict[str, Any], role: Any, where: str) -> Iterator[Finding]:
    if "weight" not in message:
        return
    weight = message["weight"]
    if type(weight) is not int or weight not in (0, 1):
        yield "bad-weight", f"{where}.weight", f"The weight is {quote(weight)}; it must be 0 or 1."
    elif role != "assistant":
        yield "bad-weight", f"{where}.weight", "Only assistant messages have a weight."


def check_order(messages: list[Any], where: str = "messages") -> Iterator[Finding]:
    """Check the order of roles in a conversation to train on.

    Args:
        messages: a list; items that are not objects are reported elsewhere.
        where: its key.
    """
    known = [message for message in messages if isinstance(message, dict)]
    roles = [message.get("role") for message in known]
    if not roles:
        return
    if "assistant" not in roles:
        last = f"The example ends with {quote(roles[-1])}. " if _is_text(roles[-1]) else ""
        yield "no-assistant", where, f"{last}There is no assistant message."
    else:
        yield from _check_ending(roles, known, where)
    if "user" not in roles:
        yield "no-user", where, ""
    yield from _check_sequence(roles, where)


def _check_ending(roles: list[Any], known: list[dict[str, Any]], where: str) -> Iterator[Finding]:
    if roles[-1] != "assistant":
        yield "last-not-assistant", f"{where}[{len(roles) - 1}]", ""
    answers = [message for message in known if message.get("role") == "assistant"]
    if all(message.get("weight") == 0 for message in answers):
        yield "nothing-to-learn", where, ""


def _check_sequence(roles: list[Any], where: str) -> Iterator[Finding]:
    for index in range(1, len(roles)):
        role = roles[index]
        if role == "system":
            yield "system-not-first", f"{where}[{index}]", ""
        elif role == roles[index - 1] and role in ("user", "assistant"):
            yield "not-alternating", f"{where}[{index}]", f"Two {role} messages in a row."


def _kind(value: Any) -> str:
    """The JSON type of a value as a noun phrase."""
    if value is None:
        return "null"
    names = {bool: "a boolean", str: "a string", list: "a list", dict: "an object"}
    return names.get(type(value), "a number")
