"""Chat completions: whole and streamed, concurrent, reproducible."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionChunk
from support.engine.in_process_engine import InProcessEngine

from tui.engine.answering.process import InferenceClient
from tui.engine.answering.protocol import Delta, Event, GenerationRequest
from tui.settings import Settings


def messages(text: str = "What is 2 plus 2?") -> Any:
    return [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]


@pytest.fixture
def options(engine_settings: Settings) -> dict[str, Any]:
    """A request that has the same answer every time."""
    return {
        "model": engine_settings.model,
        "messages": messages(),
        "max_tokens": 12,
        "temperature": 0,
    }


async def complete(client: AsyncOpenAI, options: dict[str, Any]) -> str:
    completion = await client.chat.completions.create(**options)
    return completion.choices[0].message.content or ""


async def test_a_streamed_answer_is_the_whole_answer_in_pieces(
    client: AsyncOpenAI, options: dict[str, Any]
) -> None:
    full_answer = await complete(client, options)
    stream = await client.chat.completions.create(
        **options, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    pieces = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(pieces) == full_answer
    assert len([piece for piece in pieces if piece]) > 1
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] in ("stop", "length")
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens <= 12


async def test_a_stop_sequence_ends_the_answer_and_is_not_part_of_it(
    client: AsyncOpenAI, options: dict[str, Any]
) -> None:
    full_answer = await complete(client, options)
    assert len(full_answer) > 4
    stop = full_answer[2:4]
    expected = full_answer[: full_answer.index(stop)]
    completion = await client.chat.completions.create(**options, stop=[stop])
    assert completion.choices[0].message.content == expected
    assert completion.choices[0].finish_reason == "stop"
    stream = await client.chat.completions.create(**options, stop=stop, stream=True)
    assert "".join([c.choices[0].delta.content or "" async for c in stream]) == expected


async def test_choices_differ_and_repeat_with_the_seed(
    client: AsyncOpenAI, options: dict[str, Any]
) -> None:
    async def choices(seed: int) -> list[str | None]:
        completion = await client.chat.completions.create(
            **options | {"temperature": 1.5, "top_p": 0.95, "n": 3, "seed": seed}
        )
        assert [choice.index for choice in completion.choices] == [0, 1, 2]
        return [choice.message.content for choice in completion.choices]

    first = await choices(5)
    assert len(set(first)) == 3
    assert await choices(5) == first
    assert await choices(6) != first


async def test_concurrent_requests_each_get_their_own_answer(
    client: AsyncOpenAI, options: dict[str, Any]
) -> None:
    texts = [f"What is {n} plus {n}?" + " Tell me." * (n % 4) for n in range(40)]
    separate = [
        await client.chat.completions.create(
            **options | {"messages": messages(text), "max_tokens": 1}
        )
        for text in texts[:4]
    ]
    concurrent = await asyncio.gather(
        *(
            client.chat.completions.create(
                **options | {"messages": messages(text), "max_tokens": 1 + index % 7}
            )
            for index, text in enumerate(texts)
        )
    )
    for index, completion in enumerate(concurrent):
        assert completion.usage is not None
        assert completion.usage.completion_tokens <= 1 + index % 7
    for alone, together in zip(separate, concurrent[:4], strict=True):
        assert alone.usage is not None
        assert together.usage is not None
        assert together.usage.prompt_tokens == alone.usage.prompt_tokens


async def test_a_short_answer_is_complete_before_a_long_one_that_began_earlier(
    client: AsyncOpenAI, options: dict[str, Any]
) -> None:
    stream = await client.chat.completions.create(
        **options | {"max_tokens": 450, "logit_bias": {"2": -100}}, stream=True
    )
    chunks = aiter(stream)
    await anext(chunks)

    async def read_rest() -> list[ChatCompletionChunk]:
        return [chunk async for chunk in chunks]

    rest = asyncio.create_task(read_rest())
    short = await complete(client, options | {"max_tokens": 3})
    assert not rest.done()
    assert (await rest)[-1].choices[0].finish_reason == "length"
    assert short == await complete(client, options | {"max_tokens": 3})


@pytest.mark.parametrize("stream", [False, True])
async def test_a_disconnect_cancels_the_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, stream: bool
) -> None:
    """The client leaves while its answer is generated, which would take for ever."""
    generating, cancelled = asyncio.Event(), asyncio.Event()

    async def generate(_: InferenceClient, request: GenerationRequest) -> AsyncGenerator[Event]:
        try:
            if stream:
                yield Delta(id=request.id, index=0, text="It is")
            generating.set()
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    monkeypatch.setattr(InferenceClient, "generate", generate)
    engine = InProcessEngine(tmp_path / "home")
    body = {"model": "org/name", "messages": messages(), "stream": stream}
    received = [{"type": "http.request", "body": json.dumps(body).encode()}]

    async def receive() -> dict[str, Any]:
        if received:
            return received.pop()
        await generating.wait()
        return {"type": "http.disconnect"}

    async def send(_: Any) -> None:
        pass

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/v1/chat/completions",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
        "server": (str(engine.root / "socket"), None),
    }
    await asyncio.wait_for(engine.app(scope, receive, send), 300)
    assert cancelled.is_set()
