"""Rows of other formats -> chat rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tui.domain.examples import Format, Row
from tui.domain.row_reading import Finding

Converted = tuple[Row | None, list[Finding]]
"""A chat row, None where there is nothing to make one of, and what stood in the way."""

_FIELDS: Mapping[Format, Mapping[str, str]] = {
    Format.PAIRS: {"user": "input", "assistant": "ideal_output"},
    Format.ALPACA: {"user": "instruction", "assistant": "output"},
    Format.PROMPT_COMPLETION: {"user": "prompt", "assistant": "completion"},
}

_SPEAKERS = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
    "system": "system",
}


def to_chat(row: Row, kind: Format, system: str = "") -> Converted:
    """Make a chat row.

    Args:
        row: a row of the format.
        kind: a convertible format.
        system: system prompt for rows that bring none; none is added where empty.
    """
    return _CONVERTERS[kind](row, system)


def from_chat(row: Row, kind: Format) -> Converted:
    """Tell a row of the format `kind.target` in another format.

    Args:
        row: a row of the format `kind.target`.
        kind: a convertible format.
    """
    return None, [("bad-field", "messages", f"This cannot be told as a {kind} row.")]


def explain_format(kind: Format) -> str:
    """One sentence: what the format is and, where it cannot be converted, why and what to do."""
    return kind.value


def pair_fields(kind: Format) -> Mapping[str, str]:
    """Where the messages of a converted row (without system prompt) come from: place -> field."""
    fields = _FIELDS.get(kind, {})
    return {f"messages[{index}]": name for index, name in enumerate(fields.values())}


def _conversation(system: str, *said: tuple[str, str]) -> Row:
    start = [{"role": "system", "content": system}] if system else []
    return {"messages": start + [{"role": role, "content": text} for role, text in said]}


def _texts(row: Row, *names: str) -> list[Finding]:
    """What is missing or no text among the fields that are needed."""
    found: list[Finding] = []
    for name in names:
        if name not in row:
            found.append(("missing-field", name, f"The row has no `{name}`."))
        elif not isinstance(row[name], str):
            found.append(("bad-field", name, f"`{name}` is not text."))
    return found


def _from_pair(row: Row, system: str) -> Converted:
    found = _texts(row, "input", "ideal_output")
    if found:
        return None, found
    said = ("user", row["input"]), ("assistant", row["ideal_output"])
    return _conversation(_own_system(row, system), *said), []


def _own_system(row: Row, system: str) -> str:
    own = row.get("system")
    return own if isinstance(own, str) and own else system


def _from_alpaca(row: Row, system: str) -> Converted:
    found = _texts(row, "instruction", "output")
    if found:
        return None, found
    extra = row.get("input")
    asked = row["instruction"] + (f"\n\n{extra}" if isinstance(extra, str) and extra else "")
    said: list[tuple[str, str]] = []
    history = row.get("history") or []
    for turn in history if isinstance(history, list) else [None]:
        if not (isinstance(turn, list) and len(turn) == 2 and all(map(_is_text, turn))):
            return None, [
                ("bad-field", "history", "`history` is not a list of [question, answer].")
            ]
        said += [("user", turn[0]), ("assistant", turn[1])]
    said += [("user", asked), ("assistant", row["output"])]
    return _conversation(_own_system(row, system), *said), []


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _from_sharegpt(row: Row, system: str) -> Converted:
    turns = row.get("conversations")
    if not isinstance(turns, list) or not turns:
        return None, [("bad-field", "conversations", "`conversations` is not a list of turns.")]
    said: list[tuple[str, str]] = []
    for index, turn in enumerate(turns):
        where = f"conversations[{index}]"
        speaker = turn.get("from", turn.get("role")) if isinstance(turn, dict) else None
        text = turn.get("value", turn.get("content")) if isinstance(turn, dict) else None
        role = _SPEAKERS.get(speaker) if isinstance(speaker, str) else None
        if role is None or not isinstance(text, str):
            return None, [("bad-field", where, "The turn needs `from` (human, gpt) and `value`.")]
        said.append((role, text))
    start = "" if said[0][0] == "system" else _own_system(row, system)
    return _conversation(start, *said), []


def _from_prompt(row: Row, system: str) -> Converted:
    prompt, completion = row.get("prompt"), row.get("completion")
    if isinstance(prompt, list) and isinstance(completion, list):
        own = bool(prompt) and isinstance(prompt[0], dict) and prompt[0].get("role") == "system"
        start = [] if own or not system else [{"role": "system", "content": system}]
        return {"messages": [*start, *prompt, *completion]}, []
    found = _texts(row, "prompt", "completion")
    if found:
        return None, found
    return _conversation(system, ("user", row["prompt"]), ("assistant", row["completion"])), []


_CONVERTERS: Mapping[Format, Callable[[Row, str], Converted]] = {
    Format.PAIRS: _from_pair,
    Format.ALPACA: _from_alpaca,
    Format.SHAREGPT: _from_sharegpt,
    Format.PROMPT_COMPLETION: _from_prompt,
}
