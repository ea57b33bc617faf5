"""A generation request -> the prompt as tokens and the generations, checked against its model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from tui.domain.rules.engine_refusals import supports_tools
from tui.engine.answering.detokenizer import Detokenizer
from tui.engine.answering.generation import Generation, SamplingParams
from tui.engine.answering.grammars import Grammar, GrammarError, Vocabulary
from tui.engine.answering.model_cache import LoadedModel
from tui.engine.answering.protocol import Failed, GenerationRequest
from tui.engine.answering.tool_calls import ToolCalls, read_calls
from tui.engine.training.tokens import Unrenderable, render_completion, render_prompt

_DEFAULT_MAX_TOKENS = 1024
"""Length limit of an answer where the request sets none."""


class InvalidRequestError(Exception):
    """The model cannot answer this request.

    Attributes:
        failure: the event to send.
    """

    def __init__(self, request: GenerationRequest, code: str, message: str, param: str) -> None:
        super().__init__(message)
        self.failure = Failed(id=request.id, status=400, code=code, message=message, param=param)


@dataclass(frozen=True, slots=True, eq=False)
class PreparedRequest:
    """A request that its model can answer.

    Attributes:
        request: as it was sent.
        model: the model.
        prompt: token ids.
        generations: its answers, without tokens yet.
    """

    request: GenerationRequest
    model: LoadedModel
    prompt: list[int]
    generations: list[Generation]


def prepare(request: GenerationRequest, model: LoadedModel) -> PreparedRequest:
    """Tokenize the prompt and set up a generation for each choice.

    Raises:
        InvalidRequestError: the model cannot answer the request.
    """
    tools = None if request.tools is None else orjson.loads(request.tools)
    ids = _prompt_ids(request, model, tools)
    params = _sampling_params(request, model, len(ids))
    grammar = _grammar(request, model)
    decode = partial(model.tokenizer.decode, skip_special_tokens=True)
    generations = [
        Generation(
            request.id,
            index,
            ids,
            params,
            Detokenizer(decode, request.stop, incremental=params.stream),
            None if grammar is None else grammar.copy(),
            None if tools is None else partial(_read_calls, request, model, tools),
        )
        for index in range(request.n)
    ]
    return PreparedRequest(request, model, ids, generations)


def _read_calls(
    request: GenerationRequest, model: LoadedModel, tools: list[dict[str, Any]], tokens: list[int]
) -> ToolCalls | None:
    """Parse the function calls of an answer."""
    ends = model.tokenizer.batch_decode([[token] for token in model.end_ids])

    def render(message: dict[str, Any]) -> str:
        text = render_completion(model.tokenizer, request.messages, tools, message).rstrip()
        return next((text.removesuffix(end) for end in ends if text.endswith(end)), text)

    names = {tool["function"]["name"] for tool in tools}
    return read_calls(model.tokenizer.decode(tokens), names, render)


def _prompt_ids(
    request: GenerationRequest, model: LoadedModel, tools: list[dict[str, Any]] | None
) -> list[int]:
    if tools and not supports_tools(model.tokenizer.chat_template):
        message = "This model does not support tools: its chat template has no place for them."
        raise InvalidRequestError(request, "unsupported_parameter", message, "tools")
    try:
        text = render_prompt(model.tokenizer, request.messages, tools)
        ids: list[int] = model.tokenizer(text, add_special_tokens=False)["input_ids"]
    except (Unrenderable, ValueError, TypeError, LookupError, RecursionError) as error:
        message = f"The model's chat template cannot render these messages: {error}."
        raise InvalidRequestError(request, "invalid_messages", message, "messages") from error
    if not ids:
        message = "The model's chat template renders these messages as an empty prompt."
        raise InvalidRequestError(request, "invalid_messages", message, "messages")
    if len(ids) >= model.context_length:
        message = (
            f"This model's maximum context length is {model.context_length} tokens. However, your "
            f"messages resulted in {len(ids)} tokens. Please reduce the length of the messages."
        )
        raise InvalidRequestError(request, "context_length_exceeded", message, "messages")
    return ids


def _sampling_params(
    request: GenerationRequest, model: LoadedModel, prompt_length: int
) -> SamplingParams:
    size = model.vocabulary_size
    unknown = [token for token in request.logit_bias if not 0 <= token < size]
    if unknown:
        message = f"This model has no token {unknown[0]}: its token ids are 0 to {size - 1}."
        raise InvalidRequestError(request, "invalid_value", message, "logit_bias")
    if request.top_logprobs is not None:
        _vocabulary(request, model, "logprobs")
    return SamplingParams(
        max_tokens=min(
            request.max_tokens or _DEFAULT_MAX_TOKENS, model.context_length - prompt_length
        ),
        temperature=request.temperature,
        top_p=request.top_p,
        frequency_penalty=request.frequency_penalty,
        presence_penalty=request.presence_penalty,
        logit_bias=request.logit_bias,
        seed=request.seed,
        stream=request.stream and request.tools is None,
        top_logprobs=request.top_logprobs,
    )


def _vocabulary(request: GenerationRequest, model: LoadedModel, param: str) -> Vocabulary:
    try:
        return model.vocabulary
    except GrammarError as error:
        message = f"This model does not support {param}: {error}."
        raise InvalidRequestError(request, "unsupported_parameter", message, param) from error


def _grammar(request: GenerationRequest, model: LoadedModel) -> Grammar | None:
    if request.json_schema is None:
        return None
    vocabulary = _vocabulary(request, model, "response_format")
    try:
        return vocabulary.grammar(request.json_schema)
    except GrammarError as error:
        message = f"The answer cannot be constrained by this schema: {error}."
        raise InvalidRequestError(request, "invalid_schema", message, "response_format") from error
