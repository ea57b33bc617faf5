"""`/v1/chat/completions`, whole and streamed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from typing import Any, TypeVar

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse
from openai.types.chat import ChatCompletion, ChatCompletionMessage
from openai.types.chat.chat_completion import Choice as CompletionChoice
from openai.types.chat.chat_completion import ChoiceLogprobs
from openai.types.completion_usage import CompletionUsage

from tui.engine.answering.protocol import Choice, Done, Question, Told
from tui.engine.api.chat.chunks import Chunks
from tui.engine.api.chat.messages import plain_messages
from tui.engine.api.chat.model_lookup import FoundModel, find_model
from tui.engine.api.chat.request import ChatRequest
from tui.engine.api.engine_state import Engine, EngineOfApp, answer, came_by_socket
from tui.engine.api.strict_json import StrictRoute
from tui.engine.errors import ApiError
from tui.engine.jobs.records import new_id, now

router = APIRouter(prefix="/v1/chat/completions", tags=["Chat"], route_class=StrictRoute)

FINGERPRINT = "ftui"

_CLIENT_LEFT = 499
"""What proxies log where the client went before the answer; nobody reads it."""

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The answer; with `stream` it comes as server-sent events of chunks.",
        "content": {"text/event-stream": {}},
    }
}

T = TypeVar("T")


@router.post("", response_model=ChatCompletion, responses=_STREAM)
async def create_completion(engine: EngineOfApp, asked: ChatRequest, request: Request) -> Response:
    """Answer a conversation."""
    asked.require_supported()
    question = _question(asked, find_model(engine, asked.model, folders=came_by_socket(request)))
    if asked.stream:
        return await _streamed(engine, asked, question, request)
    completion = await _unless_left(request, _whole(engine, asked, question))
    return Response(status_code=_CLIENT_LEFT) if completion is None else answer(completion)


def _question(asked: ChatRequest, found: FoundModel) -> Question:
    return Question(
        id=new_id("chatcmpl-"),
        base=found.base,
        adapter=None if found.adapter is None else str(found.adapter),
        messages=plain_messages(asked.messages),
        n=asked.n or 1,
        max_tokens=asked.max_completion_tokens or asked.max_tokens,
        temperature=1.0 if asked.temperature is None else asked.temperature,
        top_p=1.0 if asked.top_p is None else asked.top_p,
        frequency_penalty=asked.frequency_penalty or 0.0,
        presence_penalty=asked.presence_penalty or 0.0,
        logit_bias=asked.bias,
        stop=asked.stop,
        seed=asked.seed,
        stream=bool(asked.stream),
        alternatives=asked.alternatives,
        json_schema=asked.json_schema,
        tools=asked.offered_tools,
    )


async def _whole(engine: Engine, asked: ChatRequest, question: Question) -> ChatCompletion:
    choices: dict[int, CompletionChoice] = {}
    usage: CompletionUsage | None = None
    async for told in engine.answering.ask(question):
        match told:
            case Choice():
                choices[told.index] = _choice(told)
            case Done():
                usage = told.usage()
    return ChatCompletion(
        id=question.id,
        object="chat.completion",
        created=now(),
        model=asked.model,
        system_fingerprint=FINGERPRINT,
        choices=[choices[index] for index in sorted(choices)],
        usage=usage,
    )


def _choice(told: Choice) -> CompletionChoice:
    logprobs = None if told.logprobs is None else ChoiceLogprobs(content=told.logprobs)
    return CompletionChoice(
        index=told.index,
        finish_reason=told.finish_reason,
        logprobs=logprobs,
        message=ChatCompletionMessage(
            role="assistant",
            content=told.text or None if told.tool_calls else told.text,
            tool_calls=None if told.tool_calls is None else [*told.tool_calls],
        ),
    )


async def _streamed(
    engine: Engine, asked: ChatRequest, question: Question, request: Request
) -> Response:
    """The answer as server-sent events; a refusal comes as an error status, before the stream."""
    tellings = engine.answering.ask(question)
    first = await _unless_left(request, anext(tellings))
    if first is None:
        await tellings.aclose()
        return Response(status_code=_CLIENT_LEFT)
    chunks = Chunks(
        question,
        model=asked.model,
        fingerprint=FINGERPRINT,
        with_usage=bool(asked.stream_options and asked.stream_options.include_usage),
    )
    return StreamingResponse(_events(first, tellings, chunks), media_type="text/event-stream")


async def _events(
    first: Told, tellings: AsyncGenerator[Told, None], chunks: Chunks
) -> AsyncIterator[bytes]:
    async with contextlib.aclosing(tellings):
        for event in (*chunks.beginning(), *chunks.of(first)):
            yield event
        try:
            async for told in tellings:
                for event in chunks.of(told):
                    yield event
        except ApiError as error:
            yield b"data: " + bytes(error.response().body) + b"\n\n"
    yield b"data: [DONE]\n\n"


async def _unless_left(request: Request, work: Coroutine[Any, Any, T]) -> T | None:
    """What the work gives; None, and the work is given up, once the client has gone."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.create_task(_left(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return await working if working.done() else None
    finally:
        working.cancel()
        leaving.cancel()
        await asyncio.wait({working, leaving})


async def _left(request: Request) -> None:
    """Wait until the client has gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
