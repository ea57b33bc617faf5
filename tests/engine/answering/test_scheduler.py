"""The scheduler of the inference process: loading, cancelling, and running out of memory."""

from __future__ import annotations

import queue
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from tui.domain.providers.model_names import ModelSource, SourceKind
from tui.engine.answering.protocol import Cancel, Choice, Delta, Done, Failed, GenerationRequest
from tui.engine.home import Home
from tui.engine.training.tokens import render_prompt

if TYPE_CHECKING:
    from tui.engine.answering.model_cache import Key, LoadedModel, ModelCache
    from tui.engine.answering.scheduler import Scheduler


TEMPLATE_WITH_TOOLS = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
    "{% for call in message.tool_calls or [] %}<tool_call>{{ call.function | tojson }}</tool_call>"
    "{% endfor %}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
)


def blocking_model_cache(home: Home, blocked: Key) -> Any:
    """A cache in which one model finishes loading only when the test calls `release`."""
    from tui.engine.answering.model_cache import ModelCache

    class BlockingModelCache(ModelCache):
        def __init__(self) -> None:
            super().__init__(home)
            self._callbacks = queue.Queue[Callable[[], None]]()
            self._released = False

        def get(self, key: Key, on_loaded: Callable[[], None]) -> LoadedModel | None:
            if key == blocked and not self._released:
                self._callbacks.put(on_loaded)
                return None
            return super().get(key, on_loaded)

        def release(self) -> None:
            self._released = True
            self._callbacks.get(timeout=300)()

    return BlockingModelCache()


class Events:
    """The events that a scheduler sends, in their order."""

    def __init__(self) -> None:
        self.all: list[Any] = []
        self._queue = queue.Queue[Any]()

    def __call__(self, event: BaseModel) -> None:
        self.all.append(event)
        self._queue.put(event)

    def wait_for(self, matches: Callable[[Any], bool]) -> Any:
        while not matches(event := self._queue.get(timeout=300)):
            pass
        return event

    def wait_for_end(self, request_id: str) -> Any:
        return self.wait_for(
            lambda event: event.id == request_id and isinstance(event, Done | Failed)
        )


def make_request(name: str, folder: Path, **more: Any) -> GenerationRequest:
    base = ModelSource(kind=SourceKind.FOLDER, name=str(folder))
    messages = [{"role": "user", "content": "What is 2 plus 2?"}]
    return GenerationRequest(id=name, base=base, messages=messages, **({"max_tokens": 4} | more))


@pytest.fixture
def other_model(tiny_model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_model, tmp_path / "other"))


@pytest.fixture
def model(tiny_model: Path, tmp_path: Path) -> LoadedModel:
    from tui.engine.answering.model_cache import ModelCache

    return load(ModelCache(Home(tmp_path)), tiny_model)


def load(models: ModelCache, folder: Path) -> LoadedModel:
    loaded = threading.Event()
    key = make_request("x", folder).base, None
    model = models.get(key, loaded.set)
    if model is None:
        assert loaded.wait(60)
        model = models.get(key, loaded.set)
    assert model is not None
    return model


def make_scheduler(home: Path) -> tuple[Scheduler, ModelCache, Events]:
    """A scheduler that is not running yet, its models, and the events that it sends."""
    from tui.engine.answering.model_cache import ModelCache
    from tui.engine.answering.scheduler import Scheduler

    events, models = Events(), ModelCache(Home(home))
    return Scheduler(models, events), models, events


def run(scheduler: Scheduler) -> None:
    threading.Thread(target=scheduler.run, daemon=True).start()


def test_requests_for_other_models_are_answered_while_one_loads(
    tiny_model: Path, other_model: Path, tmp_path: Path
) -> None:
    from tui.engine.answering.scheduler import Scheduler

    slow = make_request("slow", other_model)
    models = blocking_model_cache(Home(tmp_path), (slow.base, None))
    events = Events()
    scheduler = Scheduler(models, events)
    run(scheduler)
    scheduler.submit(slow)
    scheduler.submit(make_request("first", tiny_model))
    assert isinstance(events.wait_for_end("first"), Done)
    assert not [event for event in events.all if event.id == "slow"]
    models.release()
    assert isinstance(events.wait_for_end("slow"), Done)


def test_a_cancelled_request_has_no_events_and_makes_room(tiny_model: Path, tmp_path: Path) -> None:
    scheduler, _, events = make_scheduler(tmp_path)
    scheduler.submit(
        make_request("cancelled", tiny_model, n=32, max_tokens=400, logit_bias={2: -100})
    )
    scheduler.submit(Cancel(id="cancelled"))
    scheduler.submit(make_request("next", tiny_model))
    run(scheduler)
    ending = events.wait_for_end("next")
    assert 0 < ending.completion_tokens <= 4
    assert {event.id for event in events.all} == {"next"}


def test_a_request_cancelled_in_progress_makes_room_before_its_end(
    tiny_model: Path, tmp_path: Path
) -> None:
    scheduler, models, events = make_scheduler(tmp_path)
    model = load(models, tiny_model).model
    forward = model.forward
    steps = 0

    def count_steps(*args: Any, **kwargs: Any) -> Any:
        nonlocal steps
        steps += 1
        return forward(*args, **kwargs)

    model.forward = count_steps
    run(scheduler)
    endless = {"max_tokens": 400, "logit_bias": {2: -100}, "stream": True}
    scheduler.submit(make_request("large", tiny_model, n=32, **endless))
    events.wait_for(lambda event: isinstance(event, Delta))
    scheduler.submit(Cancel(id="large"))
    scheduler.submit(make_request("next", tiny_model, max_tokens=1))
    assert isinstance(events.wait_for_end("next"), Done)
    assert steps < 400


def test_choices_beyond_the_batch_size_are_generated_in_several_batches(
    tiny_model: Path, tmp_path: Path
) -> None:
    scheduler, _, events = make_scheduler(tmp_path)
    for name, n in (("a", 20), ("b", 20), ("c", 128), ("d", 1)):
        scheduler.submit(make_request(name, tiny_model, n=n, max_tokens=1))
    run(scheduler)
    for name, n in (("a", 20), ("b", 20), ("c", 128), ("d", 1)):
        assert isinstance(events.wait_for_end(name), Done)
        choices = [event for event in events.all if event.id == name and isinstance(event, Choice)]
        assert sorted(choice.index for choice in choices) == list(range(n))


def test_requests_fail_where_memory_runs_out_and_the_next_are_answered(
    tiny_model: Path, tmp_path: Path
) -> None:
    import torch

    scheduler, models, events = make_scheduler(tmp_path)
    model = load(models, tiny_model).model
    forward = model.forward

    def allocate_too_much(*args: Any, **kwargs: Any) -> Any:
        torch.empty(2**60)
        return forward(*args, **kwargs)

    model.forward = allocate_too_much
    run(scheduler)
    scheduler.submit(make_request("large", tiny_model))
    failure = events.wait_for_end("large")
    assert (failure.status, failure.code) == (503, "out_of_memory")
    assert failure.message.startswith("Not enough memory")
    model.forward = forward
    scheduler.submit(make_request("small", tiny_model))
    assert isinstance(events.wait_for_end("small"), Done)


def test_the_out_of_memory_error_of_each_allocator_is_recognised() -> None:
    import torch

    from tui.engine.answering.model_cache import is_out_of_memory

    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**60)
    assert is_out_of_memory(raised.value)
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"))
    assert not is_out_of_memory(RuntimeError("shapes do not fit"))


def test_the_least_recently_used_model_is_unloaded(
    tiny_model: Path, other_model: Path, tmp_path: Path
) -> None:
    from tui.engine.answering.model_cache import ModelCache

    models = ModelCache(Home(tmp_path), capacity=1)
    model = load(models, tiny_model)
    assert load(models, tiny_model) is model
    load(models, other_model)
    assert load(models, tiny_model) is not model


def messages_with_call() -> list[dict[str, Any]]:
    function = {"name": "add", "arguments": '{"a": 2, "b": 2}'}
    call = {"id": "call_1", "type": "function", "function": function}
    return [
        {"role": "user", "content": "Add."},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "4"},
    ]


def request_with_call() -> GenerationRequest:
    return make_request("r", Path("x")).model_copy(update={"messages": messages_with_call()})


def test_calls_in_the_history_are_rendered_as_in_training(model: LoadedModel) -> None:
    from tui.engine.answering.prompts import prepare

    model.tokenizer.chat_template = TEMPLATE_WITH_TOOLS
    prepared = prepare(request_with_call(), model)
    text = model.tokenizer.decode(prepared.prompt)
    assert text == render_prompt(model.tokenizer, messages_with_call())
    assert '<tool_call>{"name": "add", "arguments": {"a": 2, "b": 2}}</tool_call>' in text
    assert "<|im_start|>tool\n4<|im_end|>" in text


def test_calls_in_the_history_are_refused_where_the_template_does_not_support_tools(
    model: LoadedModel,
) -> None:
    from tui.engine.answering.prompts import InvalidRequestError, prepare

    with pytest.raises(InvalidRequestError) as raised:
        prepare(request_with_call(), model)
    assert raised.value.failure.code == "invalid_messages"
    assert raised.value.failure.param == "messages"
