"""A conversation -> token ids and labels: only what the assistant says is learned.

The conversation is rendered once with the model's own chat template. An assistant message's part of
it begins where the template would hand over to the model (its generation prompt) and ends with the
token that ends its turn; only those tokens get a label.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from jinja2.exceptions import TemplateError

IGNORE_INDEX = -100
"""Label of a token that is read and not learned."""


class ChatTokenizer(Protocol):
    """What is needed of a tokenizer."""

    all_special_tokens: list[str]
    chat_template: Any

    def __call__(self, text: str, **kwargs: Any) -> Any:
        """Token ids and offsets of a text."""

    def apply_chat_template(self, messages: Any, **kwargs: Any) -> Any:
        """A conversation as text."""


class Unrenderable(Exception):
    """The model's chat template cannot express a conversation; the text says why."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """One training row.

    Attributes:
        input_ids: the token ids.
        labels: for each the id that is to be predicted there, or `IGNORE_INDEX`.
    """

    input_ids: list[int]
    labels: list[int]

    @property
    def learned(self) -> int:
        """How many tokens are learned."""
        return sum(label != IGNORE_INDEX for label in self.labels)

    def cut(self, length: int) -> Tokens:
        """The first tokens of the row."""
        return Tokens(self.input_ids[:length], self.labels[:length])


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers to one question, each with what stands before it.

    Attributes:
        preferred: the conversation that ends with the better answer.
        rejected: the one that ends with the worse.
    """

    preferred: Tokens
    rejected: Tokens


def read_lines(path: Path) -> Iterable[tuple[int, dict[str, Any]]]:
    """The rows of a checked file with their line numbers, from 1."""
    with path.open("rb") as lines:
        for number, raw in enumerate(lines, 1):
            text = raw.decode("utf-8-sig").strip()
            if text:
                yield number, json.loads(text)


def tokenize(tokenizer: ChatTokenizer, row: dict[str, Any]) -> list[Tokens]:
    """The training rows of one conversation: one, or one for each learned message.

    Most templates write a conversation so that what was said before stays as it was; then one row
    is enough. Others (those that drop earlier reasoning) need a row for every learned message, each
    as the model will see it when it answers.

    Args:
        tokenizer: with a chat template.
        row: `messages` and perhaps `tools`, in OpenAI's format; a message with the weight 0 is
            read and not learned.

    Raises:
        Unrenderable: the template cannot express it.
    """
    learned = [index for index, message in enumerate(row["messages"]) if _is_learned(message)]
    return _rows(tokenizer, row, learned)


def tokenize_pair(tokenizer: ChatTokenizer, row: dict[str, Any]) -> Pair:
    """A preference row; of either answer what the assistant says is learned, and nothing before it.

    Args:
        tokenizer: with a chat template.
        row: `input`, `preferred_output` and `non_preferred_output`, in OpenAI's format.

    Raises:
        Unrenderable: the template cannot express it.
    """
    return Pair(
        _answer(tokenizer, row["input"], row["preferred_output"]),
        _answer(tokenizer, row["input"], row["non_preferred_output"]),
    )


def _answer(
    tokenizer: ChatTokenizer, asked: dict[str, Any], answer: Sequence[dict[str, Any]]
) -> Tokens:
    before = len(asked["messages"])
    conversation = {**asked, "messages": [*asked["messages"], *answer]}
    learned = [before + index for index, message in enumerate(answer) if _is_learned(message)]
    rows = _rows(tokenizer, conversation, learned)
    if len(rows) != 1:
        raise Unrenderable(
            "the model's chat template rewrites what was said before, so an answer of several "
            "messages cannot be weighed as one"
        )
    return rows[0]


def _rows(tokenizer: ChatTokenizer, row: dict[str, Any], learned: Sequence[int]) -> list[Tokens]:
    """A conversation of which the messages with those indices are learned."""
    render = _Rendering(tokenizer, row)
    whole = render.text(len(render.messages))
    spans = [render.span(index, whole) for index in learned]
    if None not in spans:
        kept = [span for span in spans if span is not None]
        return [_labelled(tokenizer, whole, kept)]
    rows = []
    for index in learned:
        text = render.text(index + 1)
        span = render.span(index, text)
        if span is None:
            raise Unrenderable(
                "the model's chat template does not hand over to the assistant where its message "
                "begins"
            )
        rows.append(_labelled(tokenizer, text, [span]))
    return rows


def render_prompt(
    tokenizer: ChatTokenizer,
    messages: Sequence[dict[str, Any]],
    tools: Sequence[dict[str, Any]] | None = None,
) -> str:
    """A conversation as the model is asked to go on with it.

    Raises:
        Unrenderable: the template cannot express it.
    """
    rendering = _Rendering(tokenizer, {"messages": messages, "tools": tools})
    return rendering.text(len(messages), hand_over=True)


def render_completion(
    tokenizer: ChatTokenizer,
    messages: Sequence[dict[str, Any]],
    tools: Sequence[dict[str, Any]] | None,
    answer: dict[str, Any],
) -> str:
    """What a model writes that goes on with a conversation by this answer, its end included.

    Raises:
        Unrenderable: the template cannot express it.
    """
    rendering = _Rendering(tokenizer, {"messages": [*messages, answer], "tools": tools})
    text = rendering.text(len(messages) + 1)
    span = rendering.span(len(messages), text)
    if span is None:
        raise Unrenderable("the model's chat template does not hand over where an answer begins")
    return text[slice(*span)]


def _is_learned(message: dict[str, Any]) -> bool:
    return message.get("role") == "assistant" and message.get("weight", 1) != 0


class _Rendering:
    """A conversation as the chat template writes it."""

    def __init__(self, tokenizer: ChatTokenizer, row: dict[str, Any]) -> None:
        self._tokenizer = tokenizer
        self._tools = row.get("tools") or None
        if row.get("functions"):
            raise Unrenderable("it declares functions the old way; write them as tools")
        self.messages = [_for_template(message) for message in row["messages"]]
        calls = any(message.get("tool_calls") for message in self.messages)
        if (calls or self._tools) and "tool" not in str(tokenizer.chat_template):
            raise Unrenderable("the model's chat template knows no tools")

    def text(self, count: int, *, hand_over: bool = False) -> str:
        """The first messages; with `hand_over` up to where the assistant begins to speak."""
        try:
            rendered: str = self._tokenizer.apply_chat_template(
                self.messages[:count],
                tools=self._tools,
                tokenize=False,
                add_generation_prompt=hand_over,
            )
        except (TemplateError, TypeError, IndexError) as error:
            raise Unrenderable(f"the model's chat template refuses it: {error}") from error
        return rendered

    def span(self, index: int, text: str) -> tuple[int, int] | None:
        """Begin and end of a message's learned part in `text`; None where it cannot be told."""
        before = self.text(index, hand_over=True)
        after = self.text(index + 1)
        if not (text.startswith(after) and after.startswith(before)):
            return None
        said = after[len(before) :]
        trimmed = said.rstrip()
        if trimmed.endswith(tuple(self._tokenizer.all_special_tokens)):
            said = trimmed  # white space after the end of the turn is never generated
        return len(before), len(before) + len(said)


def _for_template(message: dict[str, Any]) -> dict[str, Any]:
    """A message as chat templates know it: text contents, `system` for `developer`."""
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(_part_text(part) for part in content)
    if message.get("function_call"):
        raise Unrenderable("it calls a function the old way; write it as tool_calls")
    if message.get("audio"):
        raise Unrenderable("it answers with audio, and models learn from text alone here")
    plain = {**message, "content": content or message.get("refusal") or ""}
    plain.pop("weight", None)
    if plain["role"] == "developer":
        plain["role"] = "system"
    if plain.get("tool_calls"):
        plain["tool_calls"] = [_parsed_call(call) for call in plain["tool_calls"]]
    return plain


def _part_text(part: dict[str, Any]) -> str:
    text = part.get("text")
    if not isinstance(text, str):
        raise Unrenderable(
            f"it holds a part of the type {part.get('type')!r}, and models learn "
            "from text alone here"
        )
    return text


def _parsed_call(call: dict[str, Any]) -> dict[str, Any]:
    """Templates write arguments as JSON themselves, so they want them as an object."""
    function = dict(call["function"])
    if isinstance(function.get("arguments"), str):
        function["arguments"] = json.loads(function["arguments"])
    return {**call, "function": function}


def _labelled(
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
    """Whether a token's characters are all in one span.

    Some tokenizers give white space an empty offset at its end; it belongs to the span if it does
    not stand right at its beginning.
    """
    return any(
        first <= begin and end <= last and (begin < end or first < begin) for first, last in spans
    )
