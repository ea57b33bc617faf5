"""What each parameter of a chat request does, with OpenAI's types."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import pytest
from openai import AsyncOpenAI, BadRequestError
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel

from tui.settings import Settings

MESSAGES: Any = [{"role": "user", "content": "What is 2 plus 2?"}]


class Ticket(BaseModel):
    """What the model extracts from a mail."""

    category: Literal["billing", "bug", "shipping"]
    urgent: bool
    order: Literal[17, 48657] | None


@pytest.fixture
def options(engine_settings: Settings) -> dict[str, Any]:
    """A request that has the same answer every time."""
    return {
        "model": engine_settings.model,
        "messages": MESSAGES,
        "max_tokens": 12,
        "temperature": 0,
    }


def unknown_fields(record: BaseModel) -> set[str]:
    """Fields that OpenAI's types do not have, at any depth."""
    names = set(record.model_extra or {})
    for name in type(record).model_fields:
        value = getattr(record, name)
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, BaseModel):
                names |= unknown_fields(inner)
    return names


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"n": 2, "logprobs": True, "top_logprobs": 2},
        {"response_format": {"type": "json_object"}},
    ],
)
async def test_completions_and_chunks_match_openais_types_exactly(
    client: AsyncOpenAI, options: dict[str, Any], more: dict[str, Any]
) -> None:
    raw = await client.chat.completions.with_raw_response.create(**options, **more)
    answer = ChatCompletion.model_validate_json(raw.content, strict=True)
    assert unknown_fields(answer) == set()
    create = client.chat.completions.with_streaming_response.create
    streaming: Any = options | more | {"stream": True, "stream_options": {"include_usage": True}}
    async with create(**streaming) as stream:
        events = (await stream.text()).split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    for event in events[:-2]:
        chunk = ChatCompletionChunk.model_validate_json(event.removeprefix("data: "), strict=True)
        assert unknown_fields(chunk) == set()
        assert "usage" in chunk.model_fields_set
        assert (chunk.usage is None) == bool(chunk.choices)


async def test_logprobs_are_the_models_own(
    client: AsyncOpenAI, options: dict[str, Any], tiny_model: Path
) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    answer = await client.chat.completions.create(**options, logprobs=True, top_logprobs=3)
    logprobs = answer.choices[0].logprobs
    assert logprobs is not None
    assert logprobs.content is not None
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    ids = tokenizer.apply_chat_template(
        MESSAGES, add_generation_prompt=True, return_tensors="pt", return_dict=False
    )
    for item in logprobs.content:
        with torch.inference_mode():
            expected = model(ids).logits[0, -1].log_softmax(-1)
        best = expected.topk(3)
        assert [top.logprob for top in item.top_logprobs] == pytest.approx(
            best.values.tolist(), abs=0.05
        )
        assert item.logprob == pytest.approx(float(best.values[0]), abs=0.05)
        top_token = next(top for top in item.top_logprobs if top.logprob == item.logprob)
        assert top_token.token == item.token
        token = next(t for t in range(len(tokenizer)) if tokenizer.decode([t]) == item.token)
        ids = torch.cat([ids, torch.tensor([[token]])], dim=-1)


async def test_the_bytes_of_the_logprobs_are_the_text_whole_and_streamed(
    client: AsyncOpenAI, options: dict[str, Any]
) -> None:
    options |= {"temperature": 1.5, "seed": 3, "logprobs": True}
    answer = await client.chat.completions.create(**options)
    logprobs = answer.choices[0].logprobs
    assert logprobs is not None
    assert logprobs.content is not None
    raw = b"".join(bytes(item.bytes or []) for item in logprobs.content)
    assert raw.decode(errors="replace") == answer.choices[0].message.content
    stream = await client.chat.completions.create(**options, stream=True)
    streamed = [
        item
        async for chunk in stream
        if chunk.choices[0].logprobs is not None
        for item in chunk.choices[0].logprobs.content or []
    ]
    assert [item.bytes for item in streamed] == [item.bytes for item in logprobs.content]
    assert all(item.top_logprobs == [] for item in streamed)


async def test_a_stop_sequence_cuts_the_logprobs_with_the_text(
    client: AsyncOpenAI, options: dict[str, Any]
) -> None:
    full_answer = await client.chat.completions.create(**options)
    text = full_answer.choices[0].message.content or ""
    cut = await client.chat.completions.create(**options, stop=[text[3:5]], logprobs=True)
    assert cut.choices[0].logprobs is not None
    tokens = [item.token for item in cut.choices[0].logprobs.content or []]
    assert "".join(tokens).startswith(cut.choices[0].message.content or "")
    assert len("".join(tokens[:-1])) < max(1, len(cut.choices[0].message.content or ""))


async def test_bias_and_penalties_change_the_answer(
    client: AsyncOpenAI, options: dict[str, Any], tiny_model: Path
) -> None:
    from transformers import AutoTokenizer

    token = AutoTokenizer.from_pretrained(tiny_model)("a")["input_ids"][0]

    async def complete(**more: Any) -> str:
        answer = await client.chat.completions.create(**options, **more)
        return answer.choices[0].message.content or ""

    assert await complete(logit_bias={str(token): 100}) == "a" * 12
    plain = await complete()
    assert await complete(frequency_penalty=0, presence_penalty=0) == plain
    repeated = {"logit_bias": {str(token): 100}, "top_logprobs": 0, "logprobs": True}
    assert await complete(**repeated) == "a" * 12
    penalised = await client.chat.completions.create(
        **options | {"max_tokens": 30}, frequency_penalty=2, logprobs=True
    )
    free = await client.chat.completions.create(**options | {"max_tokens": 30}, logprobs=True)

    def count_distinct_tokens(answer: ChatCompletion) -> int:
        logprobs = answer.choices[0].logprobs
        assert logprobs is not None
        return len({item.token for item in logprobs.content or []})

    assert count_distinct_tokens(penalised) > count_distinct_tokens(free)


async def test_every_answer_follows_the_schema(
    client: AsyncOpenAI, options: dict[str, Any]
) -> None:
    options |= {"max_tokens": 400, "temperature": 1.0, "seed": 1, "n": 4}
    parsed = await client.chat.completions.parse(**options, response_format=Ticket)
    for choice in parsed.choices:
        assert choice.finish_reason == "stop"
        assert isinstance(choice.message.parsed, Ticket)
    stream = client.chat.completions.stream(**options, response_format=Ticket)
    async with stream as events:
        final = await events.get_final_completion()
    assert [c.message.parsed for c in final.choices] == [c.message.parsed for c in parsed.choices]


async def test_json_cut_by_the_token_limit_has_that_finish_reason(
    client: AsyncOpenAI, options: dict[str, Any]
) -> None:
    options |= {"max_tokens": 6, "response_format": {"type": "json_object"}}
    answer = await client.chat.completions.create(**options)
    content = answer.choices[0].message.content or ""
    assert answer.choices[0].finish_reason == "length"
    assert content.startswith("{")
    with pytest.raises(json.JSONDecodeError):
        json.loads(content)


async def test_a_schema_that_becomes_too_complex_fails_only_its_own_request(
    client: AsyncOpenAI, options: dict[str, Any]
) -> None:
    properties = {f"key{n}": {"type": "string"} for n in range(3000)}
    schema = {"type": "object", "properties": properties, "required": ["key2999"]}
    response_format = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    with pytest.raises(BadRequestError, match="schema"):
        await client.chat.completions.create(**options, response_format=response_format)
    assert (await client.chat.completions.create(**options)).choices


async def test_both_names_of_the_token_limit_work(
    client: AsyncOpenAI, options: dict[str, Any]
) -> None:
    del options["max_tokens"]
    for name in ("max_tokens", "max_completion_tokens"):
        answer = await client.chat.completions.create(**options, **{name: 3})
        assert answer.usage is not None
        assert answer.usage.completion_tokens == 3
        assert answer.choices[0].finish_reason == "length"
