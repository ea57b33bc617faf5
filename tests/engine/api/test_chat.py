"""Answers: whole and streamed, several at once, reproducible."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from openai import AsyncOpenAI

from tui.settings import Settings


def ask(text: str = "What is 2 plus 2?") -> Any:
    return [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]


async def say(client: AsyncOpenAI, settings: Settings, **more: Any) -> str:
    asked = {"model": settings.model, "messages": ask(), "max_tokens": 12, "temperature": 0}
    answer = await client.chat.completions.create(**(asked | more))
    return answer.choices[0].message.content or ""


async def test_a_streamed_answer_is_the_whole_answer_in_pieces(
    client: AsyncOpenAI, engine_settings: Settings
) -> None:
    whole = await say(client, engine_settings)
    stream = await client.chat.completions.create(
        model=engine_settings.model,
        messages=ask(),
        max_tokens=12,
        temperature=0,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in stream]
    pieces = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(pieces) == whole
    assert len([piece for piece in pieces if piece]) > 1
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] in ("stop", "length")
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens <= 12


async def test_a_stop_text_ends_the_answer_and_is_not_part_of_it(
    client: AsyncOpenAI, engine_settings: Settings
) -> None:
    whole = await say(client, engine_settings)
    assert len(whole) > 4
    stop = whole[2:4]
    expected = whole[: whole.index(stop)]
    answer = await client.chat.completions.create(
        model=engine_settings.model, messages=ask(), max_tokens=12, temperature=0, stop=[stop]
    )
    assert answer.choices[0].message.content == expected
    assert answer.choices[0].finish_reason == "stop"
    stream = await client.chat.completions.create(
        model=engine_settings.model,
        messages=ask(),
        max_tokens=12,
        temperature=0,
        stop=stop,
        stream=True,
    )
    assert "".join([c.choices[0].delta.content or "" async for c in stream]) == expected


async def test_n_answers_differ_and_a_seed_brings_them_back(
    client: AsyncOpenAI, engine_settings: Settings
) -> None:
    async def three(seed: int) -> list[str | None]:
        answer = await client.chat.completions.create(
            model=engine_settings.model,
            messages=ask(),
            max_tokens=12,
            temperature=1.5,
            top_p=0.95,
            n=3,
            seed=seed,
        )
        assert [choice.index for choice in answer.choices] == [0, 1, 2]
        return [choice.message.content for choice in answer.choices]

    first = await three(5)
    assert len(set(first)) == 3
    assert await three(5) == first
    assert await three(6) != first


async def test_many_questions_at_once_each_get_their_own_answer(
    client: AsyncOpenAI, engine_settings: Settings
) -> None:
    texts = [f"What is {n} plus {n}?" + " Tell me." * (n % 4) for n in range(40)]
    counts = [
        (
            await client.chat.completions.create(
                model=engine_settings.model, messages=ask(text), max_tokens=1
            )
        ).usage
        for text in texts[:4]
    ]
    answers = await asyncio.gather(
        *(
            client.chat.completions.create(
                model=engine_settings.model, messages=ask(text), max_tokens=1 + at % 7
            )
            for at, text in enumerate(texts)
        )
    )
    for at, answer in enumerate(answers):
        assert answer.usage is not None
        assert answer.usage.completion_tokens <= 1 + at % 7
    for alone, together in zip(counts, answers[:4], strict=True):
        assert alone is not None
        assert together.usage is not None
        assert together.usage.prompt_tokens == alone.prompt_tokens


async def test_a_long_answer_holds_up_nobody_who_comes_later(
    client: AsyncOpenAI, engine_settings: Settings
) -> None:
    long = await client.chat.completions.create(
        model=engine_settings.model,
        messages=ask(),
        max_tokens=450,
        temperature=0,
        logit_bias={"2": -100},
        stream=True,
    )
    events = aiter(long)
    for _ in range(3):
        await anext(events)
    begun = time.perf_counter()
    short = await say(client, engine_settings, max_tokens=3)
    waited = time.perf_counter() - begun
    pieces = [chunk async for chunk in events]
    assert pieces[-1].choices[0].finish_reason == "length"
    assert time.perf_counter() - begun > 2 * waited
    assert short == (await say(client, engine_settings, max_tokens=3))


async def test_an_answer_that_nobody_waits_for_is_not_made_to_its_end(
    client: AsyncOpenAI, engine_settings: Settings
) -> None:
    """It takes all the room, so that the next question waits for its end, whatever that is."""
    large: Any = {
        "model": engine_settings.model,
        "messages": ask(),
        "max_tokens": 250,
        "n": 32,
        "logit_bias": {"2": -100},
    }

    async def seconds_until_the_next() -> float:
        begun = time.perf_counter()
        await say(client, engine_settings, max_tokens=1)
        return time.perf_counter() - begun

    async def asked() -> asyncio.Task[Any]:
        task = asyncio.create_task(client.chat.completions.create(**large))
        await asyncio.sleep(0.2)
        return task

    staying = await asked()
    patient = await seconds_until_the_next()
    await staying
    (await asked()).cancel()
    assert await seconds_until_the_next() < patient / 2
    stream = await client.chat.completions.create(**large, stream=True)
    await anext(aiter(stream))
    await stream.close()
    assert await seconds_until_the_next() < patient / 2
