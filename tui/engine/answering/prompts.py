"""A question made ready for its model: the prompt as tokens, and a row for each of its answers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from tui.engine.answering.detokenizer import Transcript
from tui.engine.answering.generation import Row, Wishes
from tui.engine.answering.grammars import Grammar, GrammarError, Vocabulary
from tui.engine.answering.model_cache import Loaded
from tui.engine.answering.protocol import Question, Refused
from tui.engine.answering.tool_calls import Called, read_calls
from tui.engine.training.tokens import Unrenderable, render_completion, render_prompt

_MOST_TOKENS = 1024
"""Length of an answer where the question does not limit it."""


class Unanswerable(Exception):
    """A question cannot be answered.

    Attributes:
        refusal: what is to be told.
    """

    def __init__(self, question: Question, code: str, message: str, param: str) -> None:
        super().__init__(message)
        self.refusal = Refused(id=question.id, status=400, code=code, message=message, param=param)


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A question that its model can answer.

    Attributes:
        question: as it was asked.
        loaded: the model.
        prompt: token ids.
        rows: its answers, without a token yet.
    """

    question: Question
    loaded: Loaded
    prompt: list[int]
    rows: list[Row]


def prepare(question: Question, loaded: Loaded) -> Prepared:
    """Make a question ready.

    Raises:
        Unanswerable: it cannot be put to this model.
    """
    tools = None if question.tools is None else orjson.loads(question.tools)
    ids = _prompt(question, loaded, tools)
    wishes = _wishes(question, loaded, len(ids))
    grammar = _grammar(question, loaded)
    decode = partial(loaded.tokenizer.decode, skip_special_tokens=True)
    rows = [
        Row(
            question.id,
            index,
            ids,
            wishes,
            Transcript(decode, question.stop, eager=wishes.streamed),
            None if grammar is None else grammar.again(),
            None if tools is None else partial(_calls, question, loaded, tools),
        )
        for index in range(question.n)
    ]
    return Prepared(question, loaded, ids, rows)


def _calls(
    question: Question, loaded: Loaded, tools: list[dict[str, Any]], tokens: list[int]
) -> Called | None:
    """The calls that an answer makes."""
    ends = loaded.tokenizer.batch_decode([[end] for end in loaded.ends])

    def write(answer: dict[str, Any]) -> str:
        text = render_completion(loaded.tokenizer, question.messages, tools, answer).rstrip()
        return next((text.removesuffix(end) for end in ends if text.endswith(end)), text)

    names = {tool["function"]["name"] for tool in tools}
    return read_calls(loaded.tokenizer.decode(tokens), names, write)


def _prompt(question: Question, loaded: Loaded, tools: list[dict[str, Any]] | None) -> list[int]:
    if tools and "tool" not in str(loaded.tokenizer.chat_template):
        said = "This model's chat template knows no tools: it was not made to call functions."
        raise Unanswerable(question, "unsupported_parameter", said, "tools")
    try:
        text = render_prompt(loaded.tokenizer, question.messages, tools)
        ids: list[int] = loaded.tokenizer(text, add_special_tokens=False)["input_ids"]
    except (Unrenderable, ValueError, TypeError, LookupError, RecursionError) as error:
        said = f"This conversation cannot be put to the model: {error}."
        raise Unanswerable(question, "invalid_messages", said, "messages") from error
    if not ids:
        said = "This conversation is empty for the model: its chat template writes nothing."
        raise Unanswerable(question, "invalid_messages", said, "messages")
    if len(ids) >= loaded.longest:
        said = (
            f"This model's maximum context length is {loaded.longest} tokens; the messages "
            f"have {len(ids)}. Shorten them."
        )
        raise Unanswerable(question, "context_length_exceeded", said, "messages")
    return ids


def _wishes(question: Question, loaded: Loaded, length: int) -> Wishes:
    unknown = [token for token in question.logit_bias if not 0 <= token < loaded.width]
    if unknown:
        said = f"This model has no token {unknown[0]}: it has the tokens 0 to {loaded.width - 1}."
        raise Unanswerable(question, "invalid_value", said, "logit_bias")
    if question.alternatives is not None:
        _vocabulary(question, loaded, "logprobs")
    return Wishes(
        most=min(question.max_tokens or _MOST_TOKENS, loaded.longest - length),
        temperature=question.temperature,
        top_p=question.top_p,
        frequency_penalty=question.frequency_penalty,
        presence_penalty=question.presence_penalty,
        bias=question.logit_bias,
        seed=question.seed,
        streamed=question.stream and question.tools is None,
        alternatives=question.alternatives,
    )


def _vocabulary(question: Question, loaded: Loaded, param: str) -> Vocabulary:
    try:
        return loaded.vocabulary
    except GrammarError as error:
        said = f"This model does not allow for {param}: {error}."
        raise Unanswerable(question, "unsupported_parameter", said, param) from error


def _grammar(question: Question, loaded: Loaded) -> Grammar | None:
    if question.json_schema is None:
        return None
    vocabulary = _vocabulary(question, loaded, "response_format")
    try:
        return vocabulary.grammar(question.json_schema)
    except GrammarError as error:
        said = f"The answer cannot be held to this schema: {error}."
        raise Unanswerable(question, "invalid_schema", said, "response_format") from error
