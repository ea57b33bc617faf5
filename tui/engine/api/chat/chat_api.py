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

from tui.engine.answering.protocol import Choice, Done, Event, GenerationRequest
from tui.engine.api.chat.chunks import Chunks
from tui.engine.api.chat.messages import plain_messages
from tui.engine.api.chat.model_lookup import ServedModel, find_model
from tui.engine.api.chat.request import ChatRequest
from tui.engine.api.engine_state import Engine, EngineOfApp
from tui.engine.api.list_response import object_response
from tui.engine.api.security import is_from_socket
from tui.engine.api.strict_json import StrictRoute
from tui.engine.errors import ApiError
from tui.engine.jobs.records import new_id, now

router = APIRouter(prefix="/v1/chat/completions", tags=["Chat"], route_class=StrictRoute)

FINGERPRINT = "ftui"

_CLIENT_CLOSED_REQUEST = 499
"""What proxies log where the client disconnected before the response; nobody reads it."""

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The completion; with `stream`, server-sent events of chunks.",
        "content": {"text/event-stream": {}},
    }
}

T = TypeVar("T")


@router.post("", response_model=ChatCompletion, responses=_STREAM)
async def create_completion(engine: EngineOfApp, body: ChatRequest, request: Request) -> Response:
    """Generate a model's response to a conversation."""
    body.require_supported()
    model = find_model(engine, body.model, folders=is_from_socket(request.scope))
    generation_request = _generation_request(body, model)
    if body.stream:
        return await _stream(engine, body, generation_request, request)
    completion = await _unless_disconnected(request, _complete(engine, body, generation_request))
    if completion is None:
        return Response(status_code=_CLIENT_CLOSED_REQUEST)
    return object_response(completion)


def _generation_request(body: ChatRequest, model: ServedModel) -> GenerationRequest:
    return GenerationRequest(
        id=new_id("chatcmpl-"),
        base=model.base,
        adapter=None if model.adapter is None else str(model.adapter),
        messages=plain_messages(body.messages),
        n=body.n or 1,
        max_tokens=body.max_completion_tokens or body.max_tokens,
        temperature=1.0 if body.temperature is None else body.temperature,
        top_p=1.0 if body.top_p is None else body.top_p,
        frequency_penalty=body.frequency_penalty or 0.0,
        presence_penalty=body.presence_penalty or 0.0,
        logit_bias=body.bias_by_token,
        stop=body.stop,
        seed=body.seed,
        stream=bool(body.stream),
        top_logprobs=body.logprob_count,
        json_schema=body.json_schema,
        tools=body.offered_tools,
    )


async def _complete(
    engine: Engine, body: ChatRequest, request: GenerationRequest
) -> ChatCompletion:
    choices: dict[int, CompletionChoice] = {}
    usage: CompletionUsage | None = None
    async for event in engine.answering.generate(request):
        match event:
            case Choice():
                choices[event.index] = _choice(event)
            case Done():
                usage = event.usage()
    return ChatCompletion(
        id=request.id,
        object="chat.completion",
        created=now(),
        model=body.model,
        system_fingerprint=FINGERPRINT,
        choices=[choices[index] for index in sorted(choices)],
        usage=usage,
    )


def _choice(event: Choice) -> CompletionChoice:
    logprobs = None if event.logprobs is None else ChoiceLogprobs(content=event.logprobs)
    return CompletionChoice(
        index=event.index,
        finish_reason=event.finish_reason,
        logprobs=logprobs,
        message=ChatCompletionMessage(
            role="assistant",
            content=event.text or None if event.tool_calls else event.text,
            tool_calls=None if event.tool_calls is None else [*event.tool_calls],
        ),
    )


async def _stream(
    engine: Engine, body: ChatRequest, generation_request: GenerationRequest, request: Request
) -> Response:
    """Stream server-sent events; an early failure becomes an error status before the stream."""
    events = engine.answering.generate(generation_request)
    first = await _unless_disconnected(request, anext(events))
    if first is None:
        await events.aclose()
        return Response(status_code=_CLIENT_CLOSED_REQUEST)
    chunks = Chunks(
        generation_request,
        model=body.model,
        fingerprint=FINGERPRINT,
        with_usage=bool(body.stream_options and body.stream_options.include_usage),
    )
    return StreamingResponse(_sse_lines(first, events, chunks), media_type="text/event-stream")


async def _sse_lines(
    first: Event, events: AsyncGenerator[Event, None], chunks: Chunks
) -> AsyncIterator[bytes]:
    async with contextlib.aclosing(events):
        for line in (*chunks.opening(), *chunks.encode(first)):
            yield line
        try:
            async for event in events:
                for line in chunks.encode(event):
                    yield line
        except ApiError as error:
            yield b"data: " + bytes(error.response().body) + b"\n\n"
    yield b"data: [DONE]\n\n"


async def _unless_disconnected(request: Request, work: Coroutine[Any, Any, T]) -> T | None:
    """Return the result of the work; cancel it and return None once the client disconnects."""
    task = asyncio.ensure_future(work)
    disconnect = asyncio.create_task(_wait_for_disconnect(request))
    try:
        await asyncio.wait({task, disconnect}, return_when=asyncio.FIRST_COMPLETED)
        return await task if task.done() else None
    finally:
        task.cancel()
        disconnect.cancel()
        await asyncio.wait({task, disconnect})


async def _wait_for_disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
