"""Conversations that stand alone, under other names, in other parts of a row, or in one text."""

from __future__ import annotations

from typing import Any

from tui.domain.conversion.common import text_message, with_system
from tui.domain.conversion.dialogue_text import read_dialogue
from tui.domain.rows.formats import Format, Row, detect_format
from tui.domain.rows.role_names import with_meant_keys

_NAMES = ("conversation", "items", "dialog", "dialogue", "turns", "completion")
"""Fields that hold turns in some exports; a completion does where its prompt is null."""
_KEYS = frozenset({"role", "content", "from", "value"})
_CALLS = frozenset({"tool_call", "function_call", "tool_response", "observation"})
"""Roles that chat rows do not have, and ShareGPT does."""


def from_list(value: Any) -> Row | None:
    """Convert a bare list of messages or turns."""
    if not _is_turns(value):
        return None
    return {"conversations" if _is_sharegpt(value) else "messages": value}


def with_named_turns(row: Row) -> Row | None:
    """A row whose turns are under the name that fits them: `messages` or `conversations`."""
    name = next((name for name in _turn_fields(row) if _is_turns(row.get(name))), "")
    fitting = "conversations" if name and _is_sharegpt(row[name]) else "messages"
    if not name or name == fitting:
        return None
    rest = {key: value for key, value in row.items() if key not in (name, fitting)}
    return {fitting: row[name], **rest}


def _turn_fields(row: Row) -> tuple[str, ...]:
    """The fields of a row whose turns may be under a name that does not fit them."""
    if detect_format(row) in (Format.UNKNOWN, Format.TEXT):
        return _NAMES
    if row.get("conversations") is None:
        return ("messages",)
    turns = row["conversations"] if _is_turns(row["conversations"]) else []
    plain = all(isinstance(turn.get("content", turn.get("value")), str) for turn in turns)
    return () if plain or row.get("messages") is not None else ("conversations",)


def with_spelled_keys(row: Row) -> Row | None:
    """A row whose messages have their keys in another spelling, such as `Role` and `Content`."""
    for name in ("messages", "conversations"):
        turns = row.get(name)
        if isinstance(turns, list) and turns and all(isinstance(turn, dict) for turn in turns):
            spelled = [with_meant_keys(turn, _KEYS) for turn in turns]
            if spelled != turns:
                return {**row, name: spelled}
    return None


def with_system_message(row: Row) -> Row | None:
    """A chat row whose system prompt beside the messages is the first of them."""
    messages, system = row.get("messages"), row.get("system")
    if not (isinstance(system, str) and system.strip() and _is_turns(messages)):
        return None
    placed = with_system(messages or [], system)
    if placed == messages:
        return None
    return {
        "messages": placed,
        **{key: row[key] for key in row if key not in ("messages", "system")},
    }


def _is_turns(value: Any) -> bool:
    """Whether a value is a list of messages, of OpenAI or of ShareGPT."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(
            isinstance(turn, dict)
            and not turn.keys().isdisjoint(("from", "role"))
            and not turn.keys().isdisjoint(("value", "content", "tool_calls"))
            for turn in value
        )
    )


def _is_sharegpt(turns: list[Row]) -> bool:
    return any(
        "from" in turn or "value" in turn or str(turn.get("role")) in _CALLS for turn in turns
    )


def from_alternating_texts(row: Row) -> Row | None:
    """Convert `{id, data: [question, answer, ...]}` of UltraChat, `conversations` of LIMA."""
    name = "data" if row.keys() == {"id", "data"} else "conversations"
    texts = row.get(name)
    if not isinstance(texts, list) or len(texts) % 2 or not texts:
        return None
    if not all(isinstance(text, str) for text in texts):
        return None
    roles = ["user", "assistant"] * (len(texts) // 2)
    messages = [text_message(role, text) for role, text in zip(roles, texts, strict=True)]
    return {"messages": messages, **{key: row[key] for key in row if key != name}}


def from_dialogue_text(row: Row) -> Row | None:
    """Convert a row whose `text` is a whole conversation, such as ChatML."""
    text = row.get("text")
    messages = read_dialogue(text) if isinstance(text, str) else None
    if messages is None or detect_format(row) is not Format.TEXT:
        return None
    return {"messages": messages, **{key: value for key, value in row.items() if key != "text"}}


def from_viewer(row: Row) -> Row | None:
    """Convert `{row_idx, row, truncated_cells}` of the dataset viewer, unless cells are cut off."""
    inner = row.get("row")
    whole = row.keys() <= {"row_idx", "row", "truncated_cells"} and not row.get("truncated_cells")
    if not (whole and isinstance(inner, dict) and "row_idx" in row):
        return None
    return inner


def from_rated_pair(row: Row) -> Row | None:
    """Convert two responses and the number of the better one (PKU's SafeRLHF)."""
    names = ("response_0", "response_1")
    given = row.get("better_response_id")
    if given not in (0, 1) or not all(isinstance(row.get(name), str) for name in names):
        return None
    better = int(given)  # a table of pandas may hold 1.0
    rest = {key: value for key, value in row.items() if key not in (*names, "better_response_id")}
    return {**rest, "chosen": row[names[better]], "rejected": row[names[1 - better]]}
