"""Function calls in a model's output, recognised by rendering them with its own chat template.

Every model writes calls in its own way, so no format is known here: what looks like calls is
rendered with the template that the model was trained with, and if that gives the model's output,
white space aside, the output was a call. Anything else is text.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from openai.types.chat import ChatCompletionMessageFunctionToolCall
from openai.types.chat.chat_completion_message_function_tool_call import Function

from tui.engine.training.tokens import Unrenderable

Render = Callable[[dict[str, Any]], str]
"""An assistant message -> what the template writes for it, without the token that ends it."""


@dataclass(frozen=True, slots=True)
class ToolCalls:
    """An answer that calls functions.

    Attributes:
        content: the text besides the calls.
        calls: the calls, at least one.
    """

    content: str
    calls: list[ChatCompletionMessageFunctionToolCall]


def read_calls(text: str, names: Collection[str], render: Render) -> ToolCalls | None:
    """Parse the calls that a model wrote; None where its answer is text.

    Args:
        text: the answer with its special tokens, without the one that ends it.
        names: of the functions on offer.
        render: the model's template.
    """
    calls = [call for value in _objects(text) if (call := _call(value, names)) is not None]
    if not calls:
        return None
    message = {"role": "assistant", "tool_calls": [call.model_dump() for call in calls]}
    try:
        for content in _contents(text, render(message | {"content": ""})):
            if _compact(render(message | {"content": content})) == _compact(text):
                return ToolCalls(content, calls)
    except Unrenderable:
        return None  # what the template cannot write is no call of this model's
    return None


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Yield the outermost JSON objects in a text."""
    decoder = json.JSONDecoder()
    start = text.find("{")
    while start >= 0:
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            end = start + 1
        else:
            yield value
        start = text.find("{", end)


def _call(
    value: dict[str, Any], names: Collection[str]
) -> ChatCompletionMessageFunctionToolCall | None:
    inner = value.get("function")
    function = inner if isinstance(inner, dict) else value
    name, arguments = function.get("name"), function.get("arguments", function.get("parameters"))
    if name not in names or not isinstance(arguments, dict):
        return None
    call_id = value.get("id")
    return ChatCompletionMessageFunctionToolCall(
        # Nine letters and digits: some templates accept no other ids when they are sent back.
        id=call_id if isinstance(call_id, str) and call_id else secrets.token_hex(5)[:9],
        type="function",
        function=Function(name=name, arguments=json.dumps(arguments, ensure_ascii=False)),
    )


def _contents(text: str, rendered: str) -> Iterator[str]:
    """Yield what may be the text before the calls: nothing, or all up to the mark of a call."""
    yield ""
    head, mark = text.partition("{")[0].rstrip(), rendered.partition("{")[0].strip()
    if head.endswith(mark):
        yield head.removesuffix(mark).strip()


def _compact(text: str) -> str:
    return "".join(text.split())
