"""Calls of functions in what a model wrote, found by writing them again with its own template.

How a call is written is each model's own. So nothing is known here of any way: what looks like
calls is put into the template that the model was trained with, and only if that writes what the
model wrote, white space aside, it was a call. Anything else is text.
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

Write = Callable[[dict[str, Any]], str]
"""Gives what the template writes where the model answers with a message, up to its end mark."""


@dataclass(frozen=True, slots=True)
class Called:
    """An answer that calls functions.

    Attributes:
        content: what is said besides.
        calls: the calls, at least one.
    """

    content: str
    calls: list[ChatCompletionMessageFunctionToolCall]


def read_calls(text: str, names: Collection[str], write: Write) -> Called | None:
    """The calls that a model wrote; None where its answer is text.

    Args:
        text: the answer with its special tokens, without the one that ends it.
        names: of the functions that there are.
        write: the model's template.
    """
    calls = [call for value in _objects(text) if (call := _call(value, names)) is not None]
    if not calls:
        return None
    message = {"role": "assistant", "tool_calls": [call.model_dump() for call in calls]}
    try:
        for content in _contents(text, write(message | {"content": ""})):
            if _bare(write(message | {"content": content})) == _bare(text):
                return Called(content, calls)
    except Unrenderable:
        return None  # what the template cannot write is no call of this model's
    return None


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """The JSON objects in a text, those within others left out."""
    decoder = json.JSONDecoder()
    at = text.find("{")
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            yield value
        at = text.find("{", end)


def _call(
    value: dict[str, Any], names: Collection[str]
) -> ChatCompletionMessageFunctionToolCall | None:
    inner = value.get("function")
    function = inner if isinstance(inner, dict) else value
    name, arguments = function.get("name"), function.get("arguments", function.get("parameters"))
    if name not in names or not isinstance(arguments, dict):
        return None
    given = value.get("id")
    return ChatCompletionMessageFunctionToolCall(
        # Nine letters and digits: some templates take no other ids back.
        id=given if isinstance(given, str) and given else secrets.token_hex(5)[:9],
        type="function",
        function=Function(name=name, arguments=json.dumps(arguments, ensure_ascii=False)),
    )


def _contents(text: str, written: str) -> Iterator[str]:
    """What may have been said before the calls: nothing, or all up to their mark."""
    yield ""
    head, mark = text.partition("{")[0].rstrip(), written.partition("{")[0].strip()
    if head.endswith(mark):
        yield head.removesuffix(mark).strip()


def _bare(text: str) -> str:
    return "".join(text.split())
