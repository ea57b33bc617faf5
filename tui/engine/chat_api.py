"""`/v1/chat/completions`, whole and streamed."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.completion_usage import CompletionUsage
from pydantic import BaseModel

from tui.engine.chat_request import ChatRequest
from tui.engine.engine_state import Engine, EngineOfApp, answer, came_by_socket
from tui.engine.errors import ApiError
from tui.engine.model_lookup import find_model
from tui.engine.questions import Choice, Delta, Done, Question
from tui.engine.records import new_id, now

router = APIRouter(prefix="/v1/chat/completions")

FINGERPRINT = "ftui"


@router.post("")
async def create_completion(engine: EngineOfApp, asked: ChatRequest, request: Request) -> Response:
    """Answer a conversation."""
    asked.require_supported()
    found = find_model(engine, asked.model, folders=came_by_socket(request))
    question = Question(
        id=new_id("chatcmpl-"),
        base=found.base,
        adapter=None if found.adapter is None else str(found.adapter),
        messages=asked.plain_messages(),
        n=asked.n or 1,
        max_tokens=asked.max_completion_tokens or asked.max_tokens,
        temperature=1.0 if asked.temperature is None else asked.temperature,
        top_p=1.0 if asked.top_p is None else asked.top_p,
        stop=asked.stops,
        seed=asked.seed,
        stream=bool(asked.stream),
    )
    if asked.stream:
        return await _streamed(engine, asked, question)
    return await _whole(engine, asked, question)


async def _whole(engine: Engine, asked: ChatRequest, question: Question) -> JSONResponse:
    choices: dict[int, dict[str, Any]] = {}
    usage: dict[str, int] = {}
    async for told in engine.answering.ask(question):
        match told:
            case Choice(index=index, text=text, finish_reason=reason):
                message = {"role": "assistant", "content": text, "refusal": None}
                choices[index] = {
                    "index": index,
                    "finish_reason": reason,
                    "logprobs": None,
                    "message": message,
                }
            case Done():
                usage = _usage(told).model_dump(exclude_none=True)
    completion = ChatCompletion.model_validate(
        {
            "id": question.id,
            "object": "chat.completion",
            "created": now(),
            "model": asked.model,
            "system_fingerprint": FINGERPRINT,
            "choices": [choices[index] for index in sorted(choices)],
            "usage": usage,
        }
    )
    return answer(completion)


async def _streamed(engine: Engine, asked: ChatRequest, question: Question) -> StreamingResponse:
    """The answer as server-sent events; a refusal comes as an error status, before the stream."""
    tellings = engine.answering.ask(question)
    first = await anext(tellings)

    async def events() -> AsyncIterator[bytes]:
        chunks = _Chunks(asked, question)
        async with contextlib.aclosing(tellings):
            for index in range(question.n):
                yield chunks.choice(index, {"role": "assistant", "content": ""})
            for event in chunks.of(first):
                yield event
            try:
                async for told in tellings:
                    for event in chunks.of(told):
                        yield event
            except ApiError as error:
                yield b"data: " + bytes(error.response().body) + b"\n\n"
        yield b"data: [DONE]\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


class _Chunks:
    """The pieces of one streamed answer as OpenAI's events."""

    def __init__(self, asked: ChatRequest, question: Question) -> None:
        self._asked = asked
        self._with_usage = bool(asked.stream_options and asked.stream_options.include_usage)
        self._common: dict[str, Any] = {
            "id": question.id,
            "object": "chat.completion.chunk",
            "created": now(),
            "model": asked.model,
            "system_fingerprint": FINGERPRINT,
        }

    def of(self, told: BaseModel) -> list[bytes]:
        """The events that tell the same."""
        match told:
            case Delta(index=index, text=text):
                return [self.choice(index, {"content": text})]
            case Choice(index=index, finish_reason=reason):
                return [self.choice(index, {}, reason)]
            case Done() if self._with_usage:
                return [self._event(choices=[], usage=_usage(told).model_dump(exclude_none=True))]
        return []

    def choice(self, index: int, delta: dict[str, str], reason: str | None = None) -> bytes:
        """One event about one choice."""
        choice = {"index": index, "delta": delta, "finish_reason": reason, "logprobs": None}
        return self._event(choices=[choice])

    def _event(self, **fields: Any) -> bytes:
        chunk = ChatCompletionChunk.model_validate(self._common | fields)
        return b"data: " + chunk.model_dump_json(exclude_unset=True).encode() + b"\n\n"


def _usage(told: Done) -> CompletionUsage:
    return CompletionUsage(
        prompt_tokens=told.prompt_tokens,
        completion_tokens=told.completion_tokens,
        total_tokens=told.prompt_tokens + told.completion_tokens,
    )
