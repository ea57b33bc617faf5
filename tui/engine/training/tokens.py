"""A conversation -> token ids and labels: only assistant messages are trained on.

The conversation is rendered once with the model's own chat template. The span of an assistant
message begins after the template's generation prompt and ends with the end-of-turn token; only the
tokens in it get a label.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from jinja2.exceptions import TemplateError

from tui.domain.rules.engine_refusals import engine_refusals, part_text, supports_tools

IGNORE_INDEX = -100
"""Label of a token that is not trained on."""


class ChatTokenizer(Protocol):
    """The part of a tokenizer that is used here."""

    all_special_tokens: list[str]
    chat_template: Any

    def __call__(self, text: str, **kwargs: Any) -> Any:
        """Encode a text to token ids and offsets."""

    def apply_chat_template(self, messages: Any, **kwargs: Any) -> Any:
        """Render a conversation to text."""


class Unrenderable(Exception):
    """The model's chat template cannot render a conversation; the message says why."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """A tokenized conversation.

    Attributes:
        input_ids: token ids.
        labels: for each position its token id, or `IGNORE_INDEX`; same length.
    """

    input_ids: list[int]
    labels: list[int]

    @property
    def learned(self) -> int:
        """Number of labelled tokens."""
        return sum(label != IGNORE_INDEX for label in self.labels)

    def truncated(self, length: int) -> Tokens:
        """The row cut to its first `length` tokens."""
        return Tokens(self.input_ids[:length], self.labels[:length])


@dataclass(frozen=True, slots=True)
class Pair:
    """Two conversations that differ in their answer.

    Attributes:
        preferred: the conversation with the preferred answer.
        rejected: the conversation with the rejected answer.
    """

    preferred: Tokens
    rejected: Tokens


def read_lines(path: Path) -> Iterable[tuple[int, dict[str, Any]]]:
    """Yield the rows of a validated file with their line numbers, from 1, skipping blank lines."""
    with path.open("rb") as lines:
        for number, raw in enumerate(lines, 1):
            text = raw.decode("utf-8-sig").strip()
            if text:
                yield number, json.loads(text)


def tokenize(tokenizer: ChatTokenizer, row: dict[str, Any]) -> list[Tokens]:
    """Tokenize one conversation into one row, or into one per trained message.

    With most templates a longer conversation begins with the rendering of a shorter one, and one
    row is enough. Others (those that drop earlier reasoning) need a row for every trained message,
    rendered as the model will see it when it answers.

    Args:
        tokenizer: a tokenizer with a chat template.
        row: `messages` and optionally `tools`, in OpenAI's format; messages with weight 0 are not
            trained on.

    Raises:
        Unrenderable: the template cannot render it.
    """
    trained = [index for index, message in enumerate(row["messages"]) if _is_trained(message)]
    return _tokenize_messages(tokenizer, row, trained)


def tokenize_pair(tokenizer: ChatTokenizer, row: dict[str, Any]) -> Pair:
    """Tokenize a preference row; only the assistant messages of the two answers are trained on.

    Args:
        tokenizer: a tokenizer with a chat template.
        row: `input`, `preferred_output` and `non_preferred_output`, in OpenAI's format.

    Raises:
        Unrenderable: the template cannot render it.
    """
    return Pair(
        _tokenize_answer(tokenizer, row["input"], row["preferred_output"]),
        _tokenize_answer(tokenizer, row["input"], row["non_preferred_output"]),
    )


def _tokenize_answer(
    tokenizer: ChatTokenizer, prompt: dict[str, Any], answer: Sequence[dict[str, Any]]
) -> Tokens:
    count = len(prompt["messages"])
    conversation = {**prompt, "messages": [*prompt["messages"], *answer]}
    trained = [count + index for index, message in enumerate(answer) if _is_trained(message)]
    rows = _tokenize_messages(tokenizer, conversation, trained)
    if len(rows) != 1:
        raise Unrenderable(
            "the model's chat template rewrites earlier messages, so an answer of several "
            "messages cannot be compared as a whole"
        )
    return rows[0]


def _tokenize_messages(
    tokenizer: ChatTokenizer, row: dict[str, Any], trained: Sequence[int]
) -> list[Tokens]:
    """Tokenize a conversation in which the messages with those indices are trained on."""
    rendering = _Rendering(tokenizer, row)
    full_text = rendering.text(len(rendering.messages))
    spans = [rendering.span(index, full_text) for index in trained]
    if None not in spans:
        return [_label(tokenizer, full_text, [span for span in spans if span is not None])]
    rows = []
    for index in trained:
        text = rendering.text(index + 1)
        span = rendering.span(index, text)
        if span is None:
            raise Unrenderable(
                "the model's chat template has no generation prompt before the assistant's message"
            )
        rows.append(_label(tokenizer, text, [span]))
    return rows


def render_prompt(
    tokenizer: ChatTokenizer,
    messages: Sequence[dict[str, Any]],
    tools: Sequence[dict[str, Any]] | None = None,
) -> str:
    """Render a conversation as the prompt for the model's answer.

    Raises:
        Unrenderable: the template cannot render it.
    """
    rendering = _Rendering(tokenizer, {"messages": messages, "tools": tools})
    return rendering.text(len(messages), generation_prompt=True)


def render_completion(
    tokenizer: ChatTokenizer,
    messages: Sequence[dict[str, Any]],
    tools: Sequence[dict[str, Any]] | None,
    answer: dict[str, Any],
) -> str:
    """Render an answer as the model generates it after the prompt, end-of-turn token included.

    Raises:
        Unrenderable: the template cannot render it.
    """
    rendering = _Rendering(tokenizer, {"messages": [*messages, answer], "tools": tools})
    text = rendering.text(len(messages) + 1)
    span = rendering.span(len(messages), text)
    if span is None:
        raise Unrenderable("the model's chat template has no generation prompt before an answer")
    return text[slice(*span)]


def _is_trained(message: dict[str, Any]) -> bool:
    return message.get("role") == "assistant" and message.get("weight", 1) != 0


class _Rendering:
    """A conversation rendered by the chat template."""

    def __init__(self, tokenizer: ChatTokenizer, row: dict[str, Any]) -> None:
        self._tokenizer = tokenizer
        self._tools = row.get("tools") or None
        messages = {"messages": row["messages"]}
        for _, _, reason in engine_refusals(row, messages, supports_tools(tokenizer.chat_template)):
            raise Unrenderable(reason)
        self.messages = [_for_template(message) for message in row["messages"]]

    def text(self, count: int, *, generation_prompt: bool = False) -> str:
        """The first `count` messages as text, optionally followed by the generation prompt."""
        try:
            rendered: str = self._tokenizer.apply_chat_template(
                self.messages[:count],
                tools=self._tools,
                tokenize=False,
                add_generation_prompt=generation_prompt,
            )
        except (TemplateError, TypeError, IndexError) as error:
            raise Unrenderable(f"the model's chat template rejects it: {error}") from error
        return rendered

    def span(self, index: int, text: str) -> tuple[int, int] | None:
        """Start and end of a message's trained part in `text`; None where it cannot be located."""
        before = self.text(index, generation_prompt=True)
        after = self.text(index + 1)
        if not (text.startswith(after) and after.startswith(before)):
            return None
        message = after[len(before) :]
        trimmed = message.rstrip()
        if trimmed.endswith(tuple(self._tokenizer.all_special_tokens)):
            message = trimmed  # white space after the end-of-turn token is never generated
        return len(before), len(before) + len(message)


def _for_template(message: dict[str, Any]) -> dict[str, Any]:
    """Convert a message to what chat templates support: text content, `system` for `developer`."""
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(part_text(part) or "" for part in content)
    plain = {**message, "content": content or message.get("refusal") or ""}
    plain.pop("weight", None)
    if plain["role"] == "developer":
        plain["role"] = "system"
    if plain.get("tool_calls"):
        plain["tool_calls"] = [_parsed_call(call) for call in plain["tool_calls"]]
    return plain


def _parsed_call(call: dict[str, Any]) -> dict[str, Any]:
    """A tool call with its arguments as an object, which templates turn into JSON themselves."""
    function = dict(call["function"])
    if isinstance(function.get("arguments"), str):
        function["arguments"] = json.loads(function["arguments"])
    return {**call, "function": function}


def _label(
    tokenizer: ChatTokenizer,
    text: str,
    spans: Sequence[tuple[int, int]],
) -> Tokens:
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    ids: list[int] = list(encoded["input_ids"])
    labels = [
        token if _is_within(begin, end, spans) else IGNORE_INDEX
        for token, (begin, end) in zip(ids, encoded["offset_mapping"], strict=True)
    ]
    return Tokens(ids, labels)


def _is_within(begin: int, end: int, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether all characters of a token are within one span.

    Some tokenizers give white space an empty offset at its end; such a token belongs to the span
    unless it is right at the span's start.
    """
    return any(
        start <= begin and end <= stop and (begin < end or start < begin) for start, stop in spans
    )
