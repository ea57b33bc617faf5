"""The answering process's desk: models that load, questions that leave, memory that runs out."""

from __future__ import annotations

import queue
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import BaseModel

from tui.domain.providers.model_names import ModelSource, SourceKind
from tui.engine.answering.model_cache import Key, Loaded, Shelf
from tui.engine.answering.out_of_memory import is_out_of_memory
from tui.engine.answering.prompts import Unanswerable, prepare
from tui.engine.answering.protocol import Choice, Done, Forget, Question, Refused
from tui.engine.answering.scheduler import Desk
from tui.engine.home import Home
from tui.engine.training.tokens import render_prompt

KNOWS_TOOLS = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
    "{% for call in message.tool_calls or [] %}<tool_call>{{ call.function | tojson }}</tool_call>"
    "{% endfor %}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
)


class SlowShelf(Shelf):
    """A shelf on which one model comes only when it is let."""

    def __init__(self, home: Home, slow: Key) -> None:
        super().__init__(home)
        self._slow = slow
        self._asked = queue.Queue[Callable[[], None]]()
        self.let = False

    def get(self, key: Key, when_there: Callable[[], None]) -> Loaded | None:
        if key == self._slow and not self.let:
            self._asked.put(when_there)
            return None
        return super().get(key, when_there)

    def release(self) -> None:
        self.let = True
        self._asked.get(timeout=30)()


class Told:
    """What a desk tells, in the order in which it comes."""

    def __init__(self) -> None:
        self.all: list[Any] = []
        self._came = queue.Queue[Any]()

    def __call__(self, record: BaseModel) -> None:
        self.all.append(record)
        self._came.put(record)

    def until_over(self, question: str) -> Any:
        while True:
            record = self._came.get(timeout=60)
            if record.id == question and isinstance(record, Done | Refused):
                return record


def question(name: str, folder: Path, **more: Any) -> Question:
    base = ModelSource(kind=SourceKind.FOLDER, name=str(folder))
    said = [{"role": "user", "content": "What is 2 plus 2?"}]
    return Question(id=name, base=base, messages=said, **({"max_tokens": 4} | more))


@pytest.fixture
def other_model(tiny_model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_model, tmp_path / "other"))


@pytest.fixture
def loaded(tiny_model: Path, tmp_path: Path) -> Loaded:
    return load(Shelf(Home(tmp_path)), tiny_model)


def load(shelf: Shelf, folder: Path) -> Loaded:
    there = threading.Event()
    key = question("x", folder).base, None
    found = shelf.get(key, there.set)
    if found is None:
        assert there.wait(60)
        found = shelf.get(key, there.set)
    assert found is not None
    return found


def run(desk: Desk) -> None:
    threading.Thread(target=desk.run, daemon=True).start()


def test_questions_for_other_models_are_answered_while_one_loads(
    tiny_model: Path, other_model: Path, tmp_path: Path
) -> None:
    slow = question("slow", other_model)
    shelf = SlowShelf(Home(tmp_path), (slow.base, None))
    told = Told()
    desk = Desk(shelf, told)
    run(desk)
    desk.ask(slow)
    desk.ask(question("first", tiny_model))
    assert isinstance(told.until_over("first"), Done)
    assert not [record for record in told.all if record.id == "slow"]
    shelf.release()
    assert isinstance(told.until_over("slow"), Done)


def test_what_is_forgotten_is_told_no_more_and_makes_room(tiny_model: Path, tmp_path: Path) -> None:
    told = Told()
    desk = Desk(Shelf(Home(tmp_path)), told)
    desk.ask(question("left", tiny_model, n=32, max_tokens=400, logit_bias={2: -100}))
    desk.ask(Forget(id="left"))
    desk.ask(question("next", tiny_model))
    run(desk)
    done = told.until_over("next")
    assert 0 < done.completion_tokens <= 4
    assert {record.id for record in told.all} == {"next"}


def test_more_answers_than_there_is_room_for_are_made_after_each_other(
    tiny_model: Path, tmp_path: Path
) -> None:
    told = Told()
    desk = Desk(Shelf(Home(tmp_path)), told)
    for name, n in (("a", 20), ("b", 20), ("c", 128), ("d", 1)):
        desk.ask(question(name, tiny_model, n=n, max_tokens=1))
    run(desk)
    for name, n in (("a", 20), ("b", 20), ("c", 128), ("d", 1)):
        assert isinstance(told.until_over(name), Done)
        choices = [r for r in told.all if r.id == name and isinstance(r, Choice)]
        assert sorted(choice.index for choice in choices) == list(range(n))


def test_where_memory_runs_out_those_questions_are_told_and_the_next_are_answered(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told()
    shelf = Shelf(Home(tmp_path))
    desk = Desk(shelf, told)
    model = load(shelf, tiny_model).model
    forward = model.forward

    def greedy(*args: Any, **kwargs: Any) -> Any:
        torch.empty(2**60)
        return forward(*args, **kwargs)

    model.forward = greedy
    run(desk)
    desk.ask(question("large", tiny_model))
    refused = told.until_over("large")
    assert (refused.status, refused.code) == (503, "out_of_memory")
    assert refused.message.startswith("The memory is not enough")
    model.forward = forward
    desk.ask(question("small", tiny_model))
    assert isinstance(told.until_over("small"), Done)


def test_running_out_of_memory_is_known_whoever_says_it() -> None:
    with pytest.raises(RuntimeError) as failed:
        torch.empty(2**60)
    assert is_out_of_memory(failed.value)
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"))
    assert not is_out_of_memory(RuntimeError("shapes do not fit"))


def test_the_model_that_was_longest_not_asked_leaves_memory(
    tiny_model: Path, other_model: Path, tmp_path: Path
) -> None:
    shelf = Shelf(Home(tmp_path), kept=1)
    first = load(shelf, tiny_model)
    assert load(shelf, tiny_model) is first
    load(shelf, other_model)
    assert load(shelf, tiny_model) is not first


def called() -> list[dict[str, Any]]:
    function = {"name": "add", "arguments": '{"a": 2, "b": 2}'}
    call = {"id": "call_1", "type": "function", "function": function}
    return [
        {"role": "user", "content": "Add."},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "4"},
    ]


def test_calls_in_the_history_are_put_as_the_model_was_trained_on_them(loaded: Loaded) -> None:
    loaded.tokenizer.chat_template = KNOWS_TOOLS
    asked = question("q", Path("x")).model_copy(update={"messages": called()})
    ready = prepare(asked, loaded)
    text = loaded.tokenizer.decode(ready.prompt)
    assert text == render_prompt(loaded.tokenizer, called())
    assert '<tool_call>{"name": "add", "arguments": {"a": 2, "b": 2}}</tool_call>' in text
    assert "<|im_start|>tool\n4<|im_end|>" in text


def test_calls_in_the_history_are_refused_where_the_models_template_knows_none(
    loaded: Loaded,
) -> None:
    asked = question("q", Path("x")).model_copy(update={"messages": called()})
    with pytest.raises(Unanswerable, match="knows no tools") as refused:
        prepare(asked, loaded)
    assert refused.value.refusal.param == "messages"
