"""Tool calls written into texts, as Hermes and Qwen do: `<tool_call>{...}</tool_call>`."""

from __future__ import annotations

import json
import re
from typing import Any

from tui.domain.conversion.common import read_json

_CALL = re.compile(r"<tool_call>\s*(.*?)\s*</tool_call>", re.DOTALL)
_ANSWER = re.compile(r"<tool_response>\n?(.*?)\n?</tool_response>", re.DOTALL)
_TOOLS = re.compile(r"<tools>\s*(.*?)\s*</tools>", re.DOTALL)
_MARK = "<tool_call>"


def split_calls(text: str) -> tuple[str, list[dict[str, Any]]] | None:
    """The calls in a text and the text before them; None where it has none, or one is damaged."""
    if _MARK not in text:
        return None
    calls = [read_json(call) for call in _CALL.findall(text)]
    before, *after = _CALL.split(text)[::2]
    named = all(isinstance(call, dict) and isinstance(call.get("name"), str) for call in calls)
    if not calls or not named or any(map(str.strip, after)) or _MARK in before:
        return None
    return before.strip(), calls


def answers_in(text: str) -> list[str]:
    """The answers of tools in a text; the text itself where they are not marked."""
    if _ANSWER.sub("", text).strip():
        return [text]
    return _ANSWER.findall(text) or [text]


def declared_in(text: str) -> list[Any]:
    """The tools that a system prompt declares between `<tools>` and `</tools>`; empty for none.

    They are a JSON list, or one object after the other.
    """
    match = _TOOLS.search(text)
    tools = read_json(match[1]) if match else []
    if isinstance(tools, str):
        tools = [read_json(line) for line in tools.splitlines() if line.strip()]
    tools = tools if isinstance(tools, list) else [tools]
    return tools if all(map(_is_declaration, tools)) else []


def _is_declaration(tool: Any) -> bool:
    return isinstance(tool, dict) and ("name" in tool or isinstance(tool.get("function"), dict))


def spoken_parts(role: str, text: str) -> list[tuple[str, str]]:
    """The parts of a turn with marked calls or answers: role, `calls` for calls, and text.

    Args:
        role: role of the speaker.
        text: the text of the turn; returned as the only part where nothing in it is marked.
    """
    if role == "tool":
        return [(role, answer) for answer in answers_in(text)]
    found = split_calls(text) if role == "assistant" else None
    if found is None:
        return [(role, text)]
    before, calls = found
    spoken = [(role, before)] if before else []
    return [*spoken, ("calls", json.dumps(calls, ensure_ascii=False))]
