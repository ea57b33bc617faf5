"""Chat requests that are refused: by the name of the parameter, in OpenAI's error envelope."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI
from openai.types.chat.completion_create_params import CompletionCreateParams

from tui.engine.api.chat.request import (
    IGNORED_PARAMETERS,
    NEUTRAL_VALUES,
    OPENAI_PARAMETERS,
    ChatRequest,
)
from tui.settings import Settings

MESSAGES: Any = [{"role": "user", "content": "What is 2 plus 2?"}]
TOOL = {"type": "function", "function": {"name": "f"}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def schema(**more: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "ticket"} | more}


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth // 2):
        schema = {"properties": {"a": schema}}
    return schema


def test_every_parameter_of_openais_client_is_supported_or_refused_by_name() -> None:
    supported = set(ChatRequest.model_fields)
    tables = supported, set(NEUTRAL_VALUES), set(IGNORED_PARAMETERS)
    assert set.union(*tables) == OPENAI_PARAMETERS
    assert sum(map(len, tables)) == len(OPENAI_PARAMETERS)
    streaming_params, plain_params = CompletionCreateParams.__args__  # type: ignore[attr-defined]
    assert (
        set(streaming_params.__annotations__) | set(plain_params.__annotations__)
        == OPENAI_PARAMETERS
    )


@pytest.mark.parametrize(
    ("more", "code", "param"),
    [
        ({"tools": [TOOL]}, "unsupported_parameter", "tools"),
        ({"tool_choice": "required"}, "unsupported_parameter", "tool_choice"),
        ({"parallel_tool_calls": False}, "unsupported_parameter", "parallel_tool_calls"),
        ({"tools": [TOOL | {"type": "custom"}]}, "invalid_value", "tools.0.type"),
        ({"tools": [{"type": "function"}]}, "missing_parameter", "tools.0.function"),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "strict": True}}]},
            "unsupported_parameter",
            "tools[0].function.strict",
        ),
        (
            {"tools": [{"type": "function", "function": {"name": "f g"}}]},
            "invalid_value",
            "tools[0].function.name",
        ),
        (
            {"tools": [TOOL], "response_format": {"type": "json_object"}},
            "invalid_value",
            "response_format",
        ),
        ({"functions": [{"name": "f"}]}, "unsupported_parameter", "functions"),
        ({"store": True}, "unsupported_parameter", "store"),
        ({"modalities": ["text", "audio"]}, "unsupported_parameter", "modalities"),
        ({"audio": {"voice": "a", "format": "wav"}}, "unsupported_parameter", "audio"),
        ({"web_search_options": {}}, "unsupported_parameter", "web_search_options"),
        ({"reasoning_effort": "high"}, "unsupported_parameter", "reasoning_effort"),
        ({"service_tier": "flex"}, "unsupported_parameter", "service_tier"),
        ({"extra_body": {"colour": "red"}}, "unknown_parameter", "colour"),
        ({"temperature": 3}, "invalid_value", "temperature"),
        ({"temperature": "0.5"}, "invalid_value", "temperature"),
        ({"n": True}, "invalid_value", "n"),
        ({"n": 0}, "invalid_value", "n"),
        ({"seed": 2**63}, "invalid_value", "seed"),
        ({"max_tokens": 5, "max_completion_tokens": 5}, "invalid_value", "max_tokens"),
        ({"presence_penalty": -2.5}, "invalid_value", "presence_penalty"),
        ({"logit_bias": {"50": 101}}, "invalid_value", "logit_bias.50"),
        ({"logit_bias": {"400000": 1}}, "invalid_value", "logit_bias"),
        ({"top_logprobs": 2}, "invalid_value", "top_logprobs"),
        ({"logprobs": True, "top_logprobs": 21}, "invalid_value", "top_logprobs"),
        ({"stop": list("abcde")}, "invalid_value", "stop"),
        ({"stop": [""]}, "invalid_value", "stop.0"),
        ({"stream_options": {"include_usage": True}}, "invalid_value", "stream_options"),
        (
            {"stream": True, "stream_options": {"include_obfuscation": True}},
            "invalid_value",
            "stream_options.include_obfuscation",
        ),
        ({"messages": []}, "invalid_value", "messages"),
    ],
)
async def test_an_unsupported_or_invalid_parameter_is_refused_by_name(
    client: AsyncOpenAI, engine_settings: Settings, more: dict[str, Any], code: str, param: str
) -> None:
    options = {"model": engine_settings.model, "messages": MESSAGES}
    with pytest.raises(openai.BadRequestError) as raised:
        await client.chat.completions.create(**(options | more))
    assert (raised.value.code, raised.value.param) == (code, param)
    assert raised.value.type == "invalid_request_error"


@pytest.mark.parametrize(
    ("response_format", "code", "param"),
    [
        ({"type": "xml"}, "invalid_value", "response_format.type"),
        ({"type": "json_schema"}, "missing_parameter", "response_format.json_schema"),
        (schema(), "missing_parameter", "response_format.json_schema.schema"),
        (schema(name="a b", schema={}), "invalid_value", "response_format.json_schema.name"),
        (
            schema(schema={}, colour=1),
            "unknown_parameter",
            "response_format.json_schema.colour",
        ),
        (schema(schema={"type": "wizard"}), "invalid_schema", "response_format"),
        (schema(schema={"not": {"type": "string"}}), "invalid_schema", "response_format"),
        (
            schema(schema={"type": "array", "uniqueItems": True, "x-guidance": {"lenient": True}}),
            "invalid_schema",
            "response_format",
        ),
        (schema(schema={"$ref": "file:///etc/passwd"}), "invalid_schema", "response_format"),
        (schema(schema={"$ref": "http://127.0.0.1/x"}), "invalid_schema", "response_format"),
        (schema(schema=nested(200)), "invalid_schema", "response_format"),
        (schema(schema=nested(900)), "invalid_schema", "response_format"),
        (
            schema(schema={"type": "string", "pattern": "(?=a)b"}),
            "invalid_schema",
            "response_format",
        ),
    ],
)
async def test_an_invalid_or_unsupported_response_format_is_refused_by_name(
    client: AsyncOpenAI, engine_settings: Settings, response_format: Any, code: str, param: str
) -> None:
    for stream in (False, True):
        body = {
            "model": engine_settings.model,
            "messages": MESSAGES,
            "response_format": response_format,
        }
        with pytest.raises(openai.BadRequestError) as raised:
            await send(client, body | {"stream": stream})
        assert (raised.value.code, raised.value.param) == (code, param)


def message(role: str, content: Any = "x", **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content} | more


@pytest.mark.parametrize(
    ("message", "code", "param"),
    [
        (
            message("user", [{"type": "image_url", "image_url": {}}]),
            "unsupported_content",
            "messages[0].content",
        ),
        (
            message("user", [{"type": "input_audio", "input_audio": {}}]),
            "unsupported_content",
            "messages[0].content",
        ),
        (message("wizard"), "invalid_value", "messages[0].role"),
        (message("function", name="f"), "invalid_value", "messages[0].role"),
        ({"role": "user"}, "invalid_value", "messages[0].content"),
        (message("user", 5), "invalid_value", "messages[0].content"),
        (message("user", audio={"id": "a"}), "unsupported_parameter", "messages[0].audio"),
        (message("user", colour="red"), "unsupported_parameter", "messages[0].colour"),
        (message("tool", tool_call_id="call_1"), "invalid_value", "messages[0].tool_call_id"),
        (
            message("assistant", tool_calls=[CALL | {"type": "custom"}]),
            "invalid_value",
            "messages[0].tool_calls[0]",
        ),
        (
            message("assistant", tool_calls=[CALL | {"function": {"name": "f", "arguments": "["}}]),
            "invalid_value",
            "messages[0].tool_calls[0].function.arguments",
        ),
        (message("assistant", tool_calls=[CALL]), "invalid_messages", "messages"),
    ],
)
async def test_an_invalid_or_unsupported_message_is_refused_by_its_place(
    client: AsyncOpenAI, engine_settings: Settings, message: Any, code: str, param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        await send(client, {"model": engine_settings.model, "messages": [message]})
    assert (raised.value.code, raised.value.param) == (code, param)


async def send(client: AsyncOpenAI, body: bytes | dict[str, Any]) -> object:
    """Send a body unchanged; OpenAI's client would not send some of them."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"content-type": "application/json"}
    path = "/chat/completions"
    return await client.post(path, cast_to=object, content=content, options={"headers": headers})


async def test_unsupported_parameters_are_accepted_with_neutral_values(
    client: AsyncOpenAI, engine_settings: Settings
) -> None:
    answer = await client.chat.completions.create(
        model=engine_settings.model,
        messages=MESSAGES,
        max_tokens=1,
        frequency_penalty=0,
        presence_penalty=0,
        logprobs=False,
        response_format={"type": "text"},
        tools=[],
        tool_choice="auto",
        store=False,
        metadata={"a": "b"},
        prompt_cache_key="here",
        service_tier="auto",
        user="somebody",
    )
    assert len(answer.choices) == 1


async def test_an_earlier_reply_can_be_sent_back_whole(
    client: AsyncOpenAI, engine_settings: Settings
) -> None:
    options: dict[str, Any] = {"model": engine_settings.model, "max_tokens": 2}
    answer = await client.chat.completions.create(messages=MESSAGES, **options)
    history = [*MESSAGES, answer.choices[0].message.model_dump(), *MESSAGES]
    again = await client.chat.completions.create(messages=history, **options)
    assert again.usage is not None
    assert answer.usage is not None
    assert again.usage.prompt_tokens > answer.usage.prompt_tokens


async def test_messages_beyond_the_context_length_are_refused_with_the_numbers(
    client: AsyncOpenAI, engine_settings: Settings
) -> None:
    long: Any = [{"role": "user", "content": "word " * 3000}]
    with pytest.raises(openai.BadRequestError, match="512 tokens") as raised:
        await client.chat.completions.create(model=engine_settings.model, messages=long)
    assert raised.value.code == "context_length_exceeded"


async def test_a_tiny_temperature_is_accepted(
    client: AsyncOpenAI, engine_settings: Settings
) -> None:
    answer = await client.chat.completions.create(
        model=engine_settings.model, messages=MESSAGES, max_tokens=3, temperature=1e-40
    )
    assert answer.choices[0].message.role == "assistant"
