"""Training examples: the formats of rows, their types, and their text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypedDict

Row = dict[str, Any]
"""One row of a file as parsed from JSON, not validated."""


class Format(StrEnum):
    """The format of the rows of a file."""

    CHAT = "chat"
    PREFERENCE = "preference"
    REINFORCEMENT = "reinforcement"
    PAIRS = "pairs"
    ALPACA = "alpaca"
    SHAREGPT = "sharegpt"
    PROMPT_COMPLETION = "prompt-completion"
    CHOSEN_REJECTED = "chosen-rejected"
    KTO = "kto"
    TEXT = "text"
    UNKNOWN = "unknown"

    @property
    def trainable(self) -> bool:
        """Whether services accept such rows unchanged."""
        return self in (Format.CHAT, Format.PREFERENCE, Format.REINFORCEMENT)

    @property
    def convertible(self) -> bool:
        """Whether `conversion` can convert such rows to the format `target`."""
        return not self.trainable and self not in (Format.KTO, Format.TEXT, Format.UNKNOWN)

    @property
    def target(self) -> Format:
        """The trainable format that such rows become; itself where it is trainable."""
        if self.trainable:
            return self
        return Format.PREFERENCE if self is Format.CHOSEN_REJECTED else Format.CHAT


ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
MESSAGE_KEYS = frozenset(
    {
        *("role", "content", "name", "weight", "refusal", "audio"),
        *("tool_calls", "tool_call_id", "function_call"),
    }
)


class Message(TypedDict, total=False):
    """One message of a conversation, in OpenAI's chat format."""

    role: str
    content: str | list[dict[str, Any]] | None
    name: str
    weight: int
    tool_calls: list[dict[str, Any]]
    tool_call_id: str
    function_call: dict[str, Any]
    refusal: str | None


@dataclass(frozen=True, slots=True)
class Example:
    """A valid row.

    Attributes:
        messages: the conversation; for preference rows the prompt.
        tools: declarations of the functions that may be called.
        preferred: the better answer of a preference row.
        rejected: the worse answer of a preference row.
        extra: further keys of the row, such as a reinforcement grader's `item.*`.
    """

    messages: Sequence[Message]
    tools: Sequence[Mapping[str, Any]] = ()
    preferred: Sequence[Message] = ()
    rejected: Sequence[Message] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def turns(self) -> int:
        """Number of messages, including those of the preferred answer."""
        return len(self.messages) + len(self.preferred)

    def last_text(self, role: str) -> str:
        """Text of the last message of a role; empty where there is none."""
        for message in (*reversed(self.preferred), *reversed(self.messages)):
            if message.get("role") == role:
                return text_of(message)
        return ""


def text_of(message: Message) -> str:
    """The text of a message; a call is shown as `name(arguments)`, an image as `[image]`."""
    content = message.get("content")
    text = content if isinstance(content, str) else " ".join(map(_part_text, content or ()))
    calls = message.get("tool_calls") or ()
    if message.get("function_call"):
        calls = (*calls, {"function": message["function_call"]})
    if not calls:
        return text
    return " ".join(filter(None, (text, *map(call_text, calls))))


def call_text(call: Any) -> str:
    """A tool call as `name(arguments)`; `?` where the name is missing."""
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        return "?()"
    return f"{function.get('name', '?')}({function.get('arguments', '')})"


def _part_text(part: Any) -> str:
    if not isinstance(part, dict):
        return str(part)
    text = part.get("text")
    if isinstance(text, str):
        return text
    kind = str(part.get("type", "part"))
    return f"[{kind.removesuffix('_url').removeprefix('input_')}]"


_CHAT_KEYS = frozenset({"messages", "tools", "parallel_tool_calls", "functions", "function_call"})


_BY_KEYS: Sequence[tuple[frozenset[str], Format]] = tuple(
    (frozenset(keys.split()), kind)
    for keys, kind in (
        ("preferred_output", Format.PREFERENCE),
        ("non_preferred_output", Format.PREFERENCE),
        ("chosen rejected", Format.CHOSEN_REJECTED),
        ("ideal_output", Format.PAIRS),
        ("conversations kto_tag", Format.KTO),
        ("conversations", Format.SHAREGPT),
        ("instruction", Format.ALPACA),
        ("prompt completion", Format.PROMPT_COMPLETION),
        ("text", Format.TEXT),
    )
)
"""The format of a row is the first one whose keys it has."""


def filled(fields: Row) -> Row:
    """The fields of an object that are not null: one that is null counts as absent.

    Tables and exports give every object the same fields, and null to those that it does not have.
    """
    return {key: value for key, value in fields.items() if value is not None}


def detect_format(row: Row) -> Format:
    """Detect the format of a row by its keys; one that is null counts as absent."""
    row = filled(row)
    if "messages" in row:
        return _chat_or_reinforcement(row)
    keys = row.keys()
    kind = next((kind for needed, kind in _BY_KEYS if needed <= keys), Format.UNKNOWN)
    if kind is Format.PROMPT_COMPLETION and _is_verdict(row.get("label")):
        return Format.KTO
    return kind


def has_fields_of(row: Row, kind: Format) -> bool:
    """Whether a row has the fields of a format, whatever format its other fields speak for."""
    keys = filled(row).keys()
    if kind in (Format.CHAT, Format.REINFORCEMENT):
        return "messages" in keys
    return any(needed <= keys for needed, format_ in _BY_KEYS if format_ is kind)


def _is_verdict(label: Any) -> bool:
    """Whether a label is a KTO verdict; in a table it is text."""
    return isinstance(label, bool) or str(label).lower() in ("true", "false", "0", "1")


def _chat_or_reinforcement(row: Row) -> Format:
    """Reinforcement rows end with the user and have further fields for the grader."""
    messages = row["messages"]
    last = messages[-1] if isinstance(messages, list) and messages else None
    asks = isinstance(last, dict) and last.get("role") in ("user", "developer")
    answered = isinstance(messages, list) and any(
        isinstance(message, dict) and message.get("role") == "assistant" for message in messages
    )
    graded = not row.keys() <= _CHAT_KEYS
    return Format.REINFORCEMENT if asks and graded and not answered else Format.CHAT
