"""Calls of functions: offered by the model's template, read from what the model wrote."""

from __future__ import annotations

import json
import shutil
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageFunctionToolCall
from pydantic import BaseModel
from support.engine.training_job import JobOnDisk, RecordingReporter
from transformers import AutoTokenizer

from tui.domain.providers.model_names import ModelSource, SourceKind
from tui.engine.answering.batch import Batch
from tui.engine.answering.emitter import Telling
from tui.engine.answering.model_cache import Loaded, Shelf
from tui.engine.answering.prompts import Unanswerable, prepare
from tui.engine.answering.protocol import Choice, Done, Question
from tui.engine.answering.tool_calls import read_calls
from tui.engine.api.chat.chunks import Chunks
from tui.engine.home import Home
from tui.engine.training.tokens import render_completion

_TURNS = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
    "CALLS<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_TOOLS = "{% if tools %}<|im_start|>system\nTools: {{ tools | tojson }}<|im_end|>\n{% endif %}"
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
ASKED = [{"role": "user", "content": "Add 2 and 2."}]


def template(way: str) -> str:
    return _TOOLS + _TURNS.replace("CALLS", TEMPLATES[way])


def call(arguments: dict[str, Any], *, name: str = "add", id: str = "abc123def") -> dict[str, Any]:  # noqa: A002
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"id": id, "type": "function", "function": function}


@pytest.fixture(scope="module")
def loaded(tiny_model: Path) -> Loaded:
    from transformers import AutoModelForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    model = AutoModelForCausalLM.from_pretrained(tiny_model)
    return Loaded(model, tokenizer, frozenset({tokenizer.eos_token_id}))


def answer(loaded: Loaded, content: str, *calls: dict[str, Any]) -> str:
    """What the model writes where it answers so, its end left out."""
    said = {"role": "assistant", "content": content, "tool_calls": list(calls)}
    text = render_completion(loaded.tokenizer, ASKED, [ADD], said)
    return text.removesuffix("<|im_end|>")


@pytest.mark.parametrize("way", TEMPLATES)
@pytest.mark.parametrize(
    ("content", "calls"),
    [
        ("", [call({"a": 2, "b": [1.5, None, {"c": "{é}"}]})]),
        ("", [call({}), call({"a": "</tool_call>"}, id="xyz123def")]),
        ("I will add them.", [call({"a": 2})]),
    ],
)
def test_what_the_template_writes_for_a_call_is_read_as_that_call(
    loaded: Loaded, way: str, content: str, calls: list[dict[str, Any]]
) -> None:
    loaded.tokenizer.chat_template = template(way)
    write = partial(render_completion, loaded.tokenizer, ASKED, [ADD])
    text = answer(loaded, content, *calls)
    found = read_calls(text, {"add"}, lambda said: write(said).removesuffix("<|im_end|>"))
    assert found is not None
    assert found.content == content
    assert [c.function.name for c in found.calls] == ["add"] * len(calls)
    for made, expected in zip(found.calls, calls, strict=True):
        assert json.loads(made.function.arguments) == json.loads(expected["function"]["arguments"])


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
def test_what_the_template_would_not_write_for_a_call_stays_text(loaded: Loaded, text: str) -> None:
    loaded.tokenizer.chat_template = template("hermes")
    write = partial(render_completion, loaded.tokenizer, ASKED, [ADD])
    assert read_calls(text, {"add"}, lambda said: write(said).removesuffix("<|im_end|>")) is None


def question(**more: Any) -> Question:
    base = ModelSource(kind=SourceKind.FOLDER, name="x")
    tools = json.dumps([ADD])
    return Question(id="q", base=base, messages=ASKED, tools=tools, **more)


def tell(loaded: Loaded, asked: Question, text: str) -> list[BaseModel]:
    """What is told where the model writes that."""
    told: list[BaseModel] = []
    telling = Telling(told.append)
    ready = prepare(asked, loaded)
    telling.open(ready)
    (row,) = ready.rows
    for token in [*loaded.tokenizer(text)["input_ids"], loaded.tokenizer.eos_token_id]:
        row.take(token, loaded.ends, None)
        telling.tell(row)
    return told


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_is_told_as_one_and_ends_the_answer_for_that_reason(
    loaded: Loaded, *, stream: bool
) -> None:
    loaded.tokenizer.chat_template = template("hermes")
    asked = question(stream=stream)
    text = answer(loaded, "", call({"a": 2, "b": 2}))
    choice, done = tell(loaded, asked, text)
    assert isinstance(choice, Choice)
    assert isinstance(done, Done)
    assert choice.finish_reason == "tool_calls"
    assert choice.text == ""
    assert choice.tool_calls is not None
    assert choice.tool_calls[0].function.name == "add"
    chunks = Chunks(asked, model="m", fingerprint="f", with_usage=False)
    events = [
        ChatCompletionChunk.model_validate_json(event.removeprefix(b"data: "), strict=True)
        for event in chunks.of(choice)
    ]
    (piece,) = events[0].choices[0].delta.tool_calls or []
    assert piece.function is not None
    assert json.loads(piece.function.arguments or "") == {"a": 2, "b": 2}
    assert (piece.index, piece.id) == (0, choice.tool_calls[0].id)
    assert events[-1].choices[0].finish_reason == "tool_calls"


def test_an_answer_that_calls_nothing_is_text_although_it_could(loaded: Loaded) -> None:
    loaded.tokenizer.chat_template = template("hermes")
    choice, _ = tell(loaded, question(stream=True), "It is 4.")
    assert isinstance(choice, Choice)
    assert (choice.text, choice.tool_calls, choice.finish_reason) == ("It is 4.", None, "stop")


def test_functions_are_offered_the_way_the_template_does(loaded: Loaded) -> None:
    loaded.tokenizer.chat_template = template("llama")
    text = loaded.tokenizer.decode(prepare(question(), loaded).prompt)
    assert text.startswith(f"<|im_start|>system\nTools: {json.dumps([ADD])}")


def test_functions_are_refused_where_the_template_knows_none(loaded: Loaded) -> None:
    loaded.tokenizer.chat_template = _TURNS.replace("CALLS", "")
    with pytest.raises(Unanswerable, match="knows no tools") as refused:
        prepare(question(), loaded)
    assert (refused.value.refusal.param, refused.value.refusal.status) == ("tools", 400)


def test_a_call_can_be_sent_back_as_it_came(loaded: Loaded) -> None:
    for way in TEMPLATES:
        loaded.tokenizer.chat_template = template(way)
        text = answer(loaded, "", call({"a": 2}))
        choice, _ = tell(loaded, question(), text)
        assert isinstance(choice, Choice)
        made = choice.tool_calls or []
        assert all(isinstance(one, ChatCompletionMessageFunctionToolCall) for one in made)
        again = answer(loaded, "", *[one.model_dump() for one in made])
        assert again.split() == text.split()


@pytest.mark.long
def test_a_model_that_was_trained_on_a_call_makes_it(tiny_model: Path, tmp_path: Path) -> None:
    model = shutil.copytree(tiny_model, tmp_path / "model")
    tokenizer = AutoTokenizer.from_pretrained(model)
    tokenizer.chat_template = template("hermes")
    tokenizer.save_pretrained(model)
    called = {"role": "assistant", "content": "", "tool_calls": [call({"a": 2, "b": 2})]}
    rows = [{"messages": [*ASKED, called], "tools": [ADD]}] * 16
    job = JobOnDisk(
        tmp_path, model, rows, lora=False, n_epochs=20, batch_size=4, learning_rate=0.02
    )
    assert job.train(RecordingReporter()).status == "succeeded"
    base = ModelSource(kind=SourceKind.FOLDER, name=str(job.folder.model))
    shelf, there = Shelf(Home(tmp_path)), threading.Event()
    if shelf.get((base, None), there.set) is None:
        assert there.wait(60)
    trained = shelf.get((base, None), there.set)
    assert trained is not None
    ready = prepare(question(temperature=0.0, max_tokens=100), trained)
    batch = Batch(trained, ready.rows)
    while not ready.rows[0].over:
        batch.step()
    made = ready.rows[0].called
    assert made is not None
    assert [one.function.name for one in made.calls] == ["add"]
    assert json.loads(made.calls[0].function.arguments) == {"a": 2, "b": 2}
