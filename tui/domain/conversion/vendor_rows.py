"""Training rows of Gemini, Bedrock and Anthropic, and stored answers of OpenAI, as chat rows.

A row is converted only if each part of its messages is known; else it stays as it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from tui.domain.conversion.common import text_message, with_call_ids, with_system
from tui.domain.conversion.images import image_part
from tui.domain.rows.formats import Row


class _Text(NamedTuple):
    text: str


class _Image(NamedTuple):
    url: str


class _Call(NamedTuple):
    id: str | None
    name: str
    arguments: Any


class _Answer(NamedTuple):
    id: str | None
    name: str | None
    text: str


_Block = _Text | _Image | _Call | _Answer
_CHOICE = frozenset({"message", "index", "finish_reason"})
"""What a choice has beside what matters only to the server."""
_Reader = Callable[[Any], _Block | None]
"""A part of a vendor's message -> what it is; None for an unknown one."""


def from_gemini(row: Row) -> Row | None:
    """Convert `{contents: [{role, parts}], systemInstruction, tools}` of Google's API."""
    contents = row.get("contents")
    if not (isinstance(contents, list) and contents and all(map(_has_parts, contents))):
        return None
    turns = [(turn.get("role"), turn["parts"]) for turn in contents]
    key = "system_instruction" if "system_instruction" in row else "systemInstruction"
    system = row.get(key)
    prompt = _plain_text(system.get("parts") if isinstance(system, dict) else system)
    groups = [group.get("functionDeclarations") for group in _objects(row.get("tools"))]
    tools = [tool for group in groups for tool in _objects(group)]
    used = {"contents", key, "tools"}
    return _chat(
        row, used, turns, _gemini_block, prompt, [_tool(tool, "parameters") for tool in tools]
    )


def _has_parts(turn: Any) -> bool:
    return isinstance(turn, dict) and isinstance(turn.get("parts"), list)


def _gemini_block(part: Any) -> _Block | None:
    match part:
        case {"text": str(text)} if len(part) == 1:
            return _Text(text)
        case {"inlineData": {"mimeType": str(kind), "data": str(data)}}:
            return _Image(f"data:{kind};base64,{data}")
        case {"functionCall": {"name": str(name), **more}}:
            return _Call(None, name, more.get("args", {}))
        case {"functionResponse": {"name": str(name), "response": response}}:
            return _Answer(None, name, _as_text(response))
    return None


def from_bedrock(row: Row) -> Row | None:
    """Convert `{schemaVersion, system: [{text}], messages, toolConfig}` of Amazon Bedrock."""
    if not str(row.get("schemaVersion", "")).startswith("bedrock-conversation"):
        return None
    turns = _turns(row.get("messages"))
    config = row.get("toolConfig")
    specs = [
        tool.get("toolSpec")
        for tool in _objects(config.get("tools") if isinstance(config, dict) else None)
    ]
    tools = [
        _tool(
            {**spec, "parameters": _inner(spec.get("inputSchema"), "json")},
            "parameters",
            "inputSchema",
        )
        for spec in _objects(specs)
    ]
    used = {"schemaVersion", "system", "messages", "toolConfig"}
    return _chat(row, used, turns, _bedrock_block, _plain_text(row.get("system")), tools)


def _bedrock_block(part: Any) -> _Block | None:
    match part:
        case {"text": str(text)} if len(part) == 1:
            return _Text(text)
        case {"image": {"format": str(kind), "source": {"bytes": str(data)}}}:
            return _Image(f"data:image/{kind};base64,{data}")
        case {"toolUse": {"toolUseId": str(call_id), "name": str(name), "input": arguments}}:
            return _Call(call_id, name, arguments)
        case {"toolResult": {"toolUseId": str(call_id), "content": list(content)}}:
            texts = [_inner(item, "text") or _as_text(_inner(item, "json")) for item in content]
            return _Answer(call_id, None, "\n".join(map(_as_text, texts)))
    return None


def from_anthropic(row: Row) -> Row | None:
    """Convert `{system, messages, tools}` of Anthropic's API; chat rows of OpenAI are none."""
    turns = _turns(row.get("messages"))
    tools = _objects(row.get("tools"))
    blocks = [part for _, content in turns or () for part in content]
    called = any(_inner(part, "type") in ("tool_use", "tool_result") for part in blocks)
    parts = isinstance(row.get("system"), list)
    if not (called or parts or any("input_schema" in tool for tool in tools)):
        return None
    declared = [_tool(tool, "input_schema") for tool in tools]
    prompt = _plain_text(row.get("system"))
    return _chat(row, {"system", "messages", "tools"}, turns, _anthropic_block, prompt, declared)


def _anthropic_block(part: Any) -> _Block | None:
    match part:
        case {"type": "text", "text": str(text)} if len(part) == 2:
            return _Text(text)
        case {"type": "image", "source": {"media_type": str(kind), "data": str(data)}}:
            return _Image(f"data:{kind};base64,{data}")
        case {"type": "image", "source": {"url": str(url)}}:
            return _Image(url)
        case {"type": "tool_use", "id": str(call_id), "name": str(name), "input": arguments}:
            return _Call(call_id, name, arguments)
        case {"type": "tool_result", "tool_use_id": str(call_id), "content": content}:
            answer = _plain_text(content)
            return None if answer is None else _Answer(call_id, None, answer)
    return None


def from_stored_completion(row: Row) -> Row | None:
    """Convert `{messages, choices: [{message}]}`, a request to OpenAI's API and its only answer."""
    choices, messages = row.get("choices"), row.get("messages")
    if not (isinstance(choices, list) and len(choices) == 1 and isinstance(messages, list)):
        return None
    answer = _inner(choices[0], "message")
    if not isinstance(answer, dict):
        return None
    answer = {key: value for key, value in answer.items() if value is not None}
    further = {key for key, value in choices[0].items() if value is not None} - _CHOICE
    used = ("messages",) if further else ("messages", "choices")
    rest = {key: value for key, value in row.items() if key not in used}
    return {"messages": [*messages, answer], **rest}


def _turns(messages: Any) -> list[tuple[Any, list[Any]]] | None:
    """Role and content of messages, a text as the only part; None where there are none."""
    if not isinstance(messages, list) or not messages:
        return None
    if not all(isinstance(item, dict) and item.keys() == {"role", "content"} for item in messages):
        return None
    contents = [item["content"] for item in messages]
    if not all(isinstance(content, str | list) for content in contents):
        return None
    return [
        (item["role"], [{"type": "text", "text": content}] if isinstance(content, str) else content)
        for item, content in zip(messages, contents, strict=True)
    ]


def _chat(
    row: Row,
    used: Iterable[str],
    turns: Sequence[tuple[Any, list[Any]]] | None,
    read: _Reader,
    system: str | None,
    tools: list[Row],
) -> Row | None:
    """A chat row with the fields that are not `used`; None where a part of a turn is unknown."""
    messages: list[Row] = []
    for role, parts in turns or ():
        blocks = [block for block in map(read, parts) if block is not None]
        added = _messages(role, blocks) if len(blocks) == len(parts) else None
        if added is None:
            return None
        messages += added
    if not messages or system is None:
        return None
    rest = {key: value for key, value in row.items() if key not in used}
    chat = {"messages": with_call_ids(with_system(messages, system)), **rest}
    return {**chat, "tools": tools} if tools else chat


def _messages(role: Any, blocks: list[_Block]) -> list[Row] | None:
    """The messages of one turn; None where the role and its parts do not fit."""
    calls = [_call(block) for block in blocks if isinstance(block, _Call)]
    answers = [_tool_message(block) for block in blocks if isinstance(block, _Answer)]
    shown = [block for block in blocks if isinstance(block, _Text | _Image)]
    if role in ("assistant", "model") and not answers:
        message: Row = {"role": "assistant", "content": _content(shown)}
        return [message | ({"tool_calls": calls} if calls else {})]
    if role in ("user", "function", "tool") and not calls:
        return [*answers, *([{"role": "user", "content": _content(shown)}] if shown else [])]
    return [text_message("system", str(_content(shown)))] if role == "system" and shown else None


def _content(shown: list[_Text | _Image]) -> Any:
    """The content of a message: text if there is nothing else, null if there is nothing."""
    if len(shown) <= 1 and not any(isinstance(block, _Image) for block in shown):
        return shown[0].text if shown else None  # type: ignore[union-attr] # not an image
    return [
        {"type": "text", "text": block.text} if isinstance(block, _Text) else image_part(block.url)
        for block in shown
    ]


def _call(call: _Call) -> Row:
    function = {"name": call.name, "arguments": _as_text(call.arguments)}
    known = {"id": call.id} if call.id else {}
    return {**known, "type": "function", "function": function}


def _tool_message(answer: _Answer) -> Row:
    known = {"tool_call_id": answer.id} if answer.id else {}
    named = {"name": answer.name} if answer.name else {}
    return {"role": "tool", **known, **named, "content": answer.text}


def _tool(spec: Row, schema: str, *more: str) -> Row:
    """A declaration in OpenAI's form from one with its schema under another key."""
    rest = {key: value for key, value in spec.items() if key not in (schema, *more, "type")}
    parameters = {"parameters": spec[schema]} if schema in spec else {}
    return {"type": "function", "function": {**rest, **parameters}}


def _plain_text(value: Any) -> str | None:
    """A text, or the texts of parts; empty for null, None for anything else."""
    if value is None or isinstance(value, str):
        return value or ""
    parts = value if isinstance(value, list) else [value]
    texts = [text for part in parts if isinstance(text := _inner(part, "text"), str)]
    return "\n\n".join(texts) if len(texts) == len(parts) else None


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _inner(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def _objects(value: Any) -> list[Row]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
