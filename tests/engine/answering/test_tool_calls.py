"""Function calls: offered by the model's template, parsed from the model's output."""

from __future__ import annotations

import json
import shutil
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageFunctionToolCall
from pydantic import BaseModel
from support.engine.training_job import JobOnDisk, RecordingReporter

from tui.domain.providers.model_names import ModelSource, SourceKind
from tui.engine.answering.protocol import Choice, Done, GenerationRequest
from tui.engine.answering.tool_calls import read_calls
from tui.engine.api.chat.chunks import Chunks
from tui.engine.home import Home
from tui.engine.training.tokens import render_completion

if TYPE_CHECKING:
    from tui.engine.answering.model_cache import LoadedModel


TURNS = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
    "CALLS<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TOOLS = "{% if tools %}<|im_start|>system\nTools: {{ tools | tojson }}<|im_end|>\n{% endif %}"
TEMPLATES = {
    "hermes": (
        "{% for call in message.tool_calls or [] %}\n<tool_call>\n"
        '{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}'
        "\n</tool_call>{% endfor %}"
    ),
    "llama": (
        "{% for call in message.tool_calls or [] %}"
        '{"name": "{{ call.function.name }}", '
        '"parameters": {{ call.function.arguments | tojson }}}{% endfor %}'
    ),
    "mistral": (
        "{% if message.tool_calls %}[TOOL_CALLS] [{% for call in message.tool_calls %}"
        '{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}, '
        '"id": "{{ call.id }}"}{% if not loop.last %}, {% endif %}{% endfor %}]{% endif %}'
    ),
}
ADD = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}
MESSAGES = [{"role": "user", "content": "Add 2 and 2."}]


def template(style: str) -> str:
    return TOOLS + TURNS.replace("CALLS", TEMPLATES[style])


def call(arguments: dict[str, Any], *, name: str = "add", id: str = "abc123def") -> dict[str, Any]:  # noqa: A002
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"id": id, "type": "function", "function": function}


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> LoadedModel:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from tui.engine.answering.model_cache import LoadedModel

    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    weights = AutoModelForCausalLM.from_pretrained(tiny_model)
    return LoadedModel(weights, tokenizer, frozenset({tokenizer.eos_token_id}))


def render(model: LoadedModel, message: dict[str, Any]) -> str:
    """What the template writes for an answer, without the token that ends it."""
    return render_completion(model.tokenizer, MESSAGES, [ADD], message).removesuffix("<|im_end|>")


def answer(model: LoadedModel, content: str, *calls: dict[str, Any]) -> str:
    """What the model writes for such an answer."""
    return render(model, {"role": "assistant", "content": content, "tool_calls": list(calls)})


@pytest.mark.parametrize("style", TEMPLATES)
@pytest.mark.parametrize(
    ("content", "calls"),
    [
        ("", [call({"a": 2, "b": [1.5, None, {"c": "{é}"}]})]),
        ("", [call({}), call({"a": "</tool_call>"}, id="xyz123def")]),
        ("I will add them.", [call({"a": 2})]),
    ],
)
def test_a_call_rendered_by_the_template_is_parsed_as_the_same_call(
    model: LoadedModel, style: str, content: str, calls: list[dict[str, Any]]
) -> None:
    model.tokenizer.chat_template = template(style)
    parsed = read_calls(answer(model, content, *calls), {"add"}, partial(render, model))
    assert parsed is not None
    assert parsed.content == content
    assert [item.function.name for item in parsed.calls] == ["add"] * len(calls)
    for actual, expected in zip(parsed.calls, calls, strict=True):
        arguments = json.loads(actual.function.arguments)
        assert arguments == json.loads(expected["function"]["arguments"])


@pytest.mark.parametrize(
    "text",
    [
        "The sum is 4.",
        "{}",
        '{"name": "add", "arguments": {}}',
        'Call it so: <tool_call>{"name": "add", "arguments": {"a": 1}}</tool_call> and be glad.',
        '<tool_call>{"name": "add", "arguments": {"a": 1}}',
        '<tool_call>{"name": "add", "arguments": {"a": 1}</tool_call>',
        '<tool_call>{"name": "remove", "arguments": {"a": 1}}</tool_call>',
        '<tool_call>{"name": "add", "arguments": "a"}</tool_call>',
        "<tool_call>" + '{"a":' * 5000,
    ],
)
def test_text_that_the_template_would_not_render_for_a_call_stays_text(
    model: LoadedModel, text: str
) -> None:
    model.tokenizer.chat_template = template("hermes")
    assert read_calls(text, {"add"}, partial(render, model)) is None


def make_request(**more: Any) -> GenerationRequest:
    base = ModelSource(kind=SourceKind.FOLDER, name="x")
    tools = json.dumps([ADD])
    return GenerationRequest(id="r", base=base, messages=MESSAGES, tools=tools, **more)


def events_of(model: LoadedModel, request: GenerationRequest, text: str) -> list[BaseModel]:
    """The events of a request that the model answers with this text."""

    from tui.engine.answering.emitter import Emitter
    from tui.engine.answering.prompts import prepare

    events: list[BaseModel] = []
    emitter = Emitter(events.append)
    prepared = prepare(request, model)
    emitter.open(prepared)
    (generation,) = prepared.generations
    for token in [*model.tokenizer(text)["input_ids"], model.tokenizer.eos_token_id]:
        generation.append(token, model.end_ids, None)
        emitter.emit(generation)
    return events


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_is_sent_as_a_tool_call_and_is_the_finish_reason(
    model: LoadedModel, *, stream: bool
) -> None:
    model.tokenizer.chat_template = template("hermes")
    request = make_request(stream=stream)
    text = answer(model, "", call({"a": 2, "b": 2}))
    choice, ending = events_of(model, request, text)
    assert isinstance(choice, Choice)
    assert isinstance(ending, Done)
    assert choice.finish_reason == "tool_calls"
    assert choice.text == ""
    assert choice.tool_calls is not None
    assert choice.tool_calls[0].function.name == "add"
    chunks = Chunks(request, model="m", fingerprint="f", with_usage=False)
    deltas = [
        ChatCompletionChunk.model_validate_json(line.removeprefix(b"data: "), strict=True)
        for line in chunks.encode(choice)
    ]
    (piece,) = deltas[0].choices[0].delta.tool_calls or []
    assert piece.function is not None
    assert json.loads(piece.function.arguments or "") == {"a": 2, "b": 2}
    assert (piece.index, piece.id) == (0, choice.tool_calls[0].id)
    assert deltas[-1].choices[0].finish_reason == "tool_calls"


def test_an_answer_without_a_call_is_text_although_tools_are_offered(model: LoadedModel) -> None:
    model.tokenizer.chat_template = template("hermes")
    choice, _ = events_of(model, make_request(stream=True), "It is 4.")
    assert isinstance(choice, Choice)
    assert (choice.text, choice.tool_calls, choice.finish_reason) == ("It is 4.", None, "stop")


def test_tools_are_offered_as_the_template_renders_them(model: LoadedModel) -> None:
    from tui.engine.answering.prompts import prepare

    model.tokenizer.chat_template = template("llama")
    text = model.tokenizer.decode(prepare(make_request(), model).prompt)
    assert text.startswith(f"<|im_start|>system\nTools: {json.dumps([ADD])}")


def test_tools_are_refused_where_the_template_does_not_support_them(model: LoadedModel) -> None:
    from tui.engine.answering.prompts import InvalidRequestError, prepare

    model.tokenizer.chat_template = TURNS.replace("CALLS", "")
    with pytest.raises(InvalidRequestError, match="does not support tools") as raised:
        prepare(make_request(), model)
    assert (raised.value.failure.param, raised.value.failure.status) == ("tools", 400)


def test_a_call_can_be_sent_back_in_the_history(model: LoadedModel) -> None:
    for style in TEMPLATES:
        model.tokenizer.chat_template = template(style)
        text = answer(model, "", call({"a": 2}))
        choice, _ = events_of(model, make_request(), text)
        assert isinstance(choice, Choice)
        calls = choice.tool_calls or []
        assert all(isinstance(item, ChatCompletionMessageFunctionToolCall) for item in calls)
        assert answer(model, "", *[item.model_dump() for item in calls]).split() == text.split()


@pytest.mark.long
def test_a_model_trained_on_a_call_generates_that_call(tiny_model: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    from tui.engine.answering.batch import Batch
    from tui.engine.answering.model_cache import ModelCache
    from tui.engine.answering.prompts import prepare

    folder = shutil.copytree(tiny_model, tmp_path / "model")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = template("hermes")
    tokenizer.save_pretrained(folder)
    message = {"role": "assistant", "content": "", "tool_calls": [call({"a": 2, "b": 2})]}
    rows = [{"messages": [*MESSAGES, message], "tools": [ADD]}] * 16
    job = JobOnDisk(
        tmp_path, folder, rows, lora=False, n_epochs=20, batch_size=4, learning_rate=0.02
    )
    assert job.train(RecordingReporter()).status == "succeeded"
    base = ModelSource(kind=SourceKind.FOLDER, name=str(job.folder.model))
    models, loaded = ModelCache(Home(tmp_path)), threading.Event()
    if models.get((base, None), loaded.set) is None:
        assert loaded.wait(60)
    trained = models.get((base, None), loaded.set)
    assert trained is not None
    prepared = prepare(make_request(temperature=0.0, max_tokens=100), trained)
    batch = Batch(trained, prepared.generations)
    (generation,) = prepared.generations
    while not generation.is_over:
        batch.step()
    assert generation.tool_calls is not None
    (tool_call,) = generation.tool_calls.calls
    assert tool_call.function.name == "add"
    assert json.loads(tool_call.function.arguments) == {"a": 2, "b": 2}
