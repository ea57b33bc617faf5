"""Token counters: the model's own tokenizer, or an estimate that is marked as one."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.sample_rows import good_rows

from tui.domain.rows.formats import Example
from tui.services.checking.token_counters import TokenCounter, context_of, counter_for

OWN_SYSTEM = (
    "{% if messages[0].role != 'system' %}<|im_start|>system\nBe helpful.<|im_end|>\n{% endif %}"
)
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}"
)


def example(*texts: str, **more: Any) -> Example:
    roles = ("user", "assistant")
    return Example(
        [{"role": roles[place % 2], "content": text} for place, text in enumerate(texts)], **more
    )


@pytest.fixture(scope="module")
def make_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes the folder of a model with a tokenizer and a config, and without weights."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=350,
        special_tokens=["<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    roles = ["<|im_start|>system\n", "<|im_start|>user\n", "<|im_start|>assistant\n"] * 30
    tokenizer.train_from_iterator([*roles, *(json.dumps(row) for row in good_rows(30))], trainer)
    tokenizer.enable_truncation(max_length=8)
    tokenizer.enable_padding(length=8)

    def make(folder: Path | None = None, **config: object) -> Path:
        folder = folder or tmp_path_factory.mktemp("model")
        folder.mkdir(parents=True, exist_ok=True)
        tokenizer.save(str(folder / "tokenizer.json"))
        model_config = {"max_position_embeddings": 512} | config
        (folder / "config.json").write_text(json.dumps(model_config), encoding="utf-8")
        return folder

    return make


def with_template(folder: Path, template: str) -> Path:
    (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "model", ["", "gpt-4o", "gpt-4.1-nano-2025-04-14", "gpt-5", "o4-mini", "ft:gpt-4o-mini:us::x"]
)
def test_models_of_openai_count_with_o200k_base(model: str, tmp_path: Path) -> None:
    counter = counter_for(model, tmp_path)
    assert counter.name == "o200k_base"
    assert list(counter.count(["hello world", "", "Straßenbahn 🙂"])) == [2, 0, 4]


@pytest.mark.parametrize("model", ["gpt-4", "gpt-4-0613", "gpt-3.5-turbo-0125"])
def test_older_models_of_openai_count_with_their_own_encoding(model: str, tmp_path: Path) -> None:
    assert counter_for(model, tmp_path).name == "cl100k_base"


def test_tokens_of_a_conversation_match_the_cookbook(tmp_path: Path) -> None:
    """The texts, 3 tokens around each message, 1 for its role, and 3 around the row."""
    counter = counter_for("", tmp_path)
    assert list(counter.count_examples([example("hello world", "hello world"), example()])) == [
        15,
        3,
    ]


def test_names_tools_calls_and_both_answers_count(tmp_path: Path) -> None:
    counter = counter_for("", tmp_path)
    call = {"id": "call_1", "function": {"name": "find_order", "arguments": '{"order": 1}'}}
    rich = Example(
        [
            {"role": "user", "content": "Where is it?", "name": "Ann"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
        ],
        tools=[{"type": "function", "function": {"name": "find_order", "strict": 1 << 80}}],
        preferred=[{"role": "assistant", "content": "Here."}],
        rejected=[{"role": "assistant", "content": "I do not know."}],
    )
    bare = Example(rich.messages[:1])
    (few, many) = counter.count_examples([bare, rich])
    assert few == sum(counter.count(["Where is it?", "Ann"])) + 4 + 3
    assert many > few + sum(counter.count(["find_order", "Here.", "I do not know."])) + 3 * 4


def test_a_lone_surrogate_is_counted(tmp_path: Path) -> None:
    assert counter_for("", tmp_path).count(["dark \ud83d"])[0] >= 2


def test_a_counter_gives_the_same_counts_in_another_process(
    make_model: Callable[..., Path],
) -> None:
    folder = with_template(make_model(), CHATML)
    for model in ("", str(folder), "unknown"):
        counter = counter_for(model, folder)
        again: TokenCounter = pickle.loads(pickle.dumps(counter))
        assert again == counter
        assert list(again.count(["The lamp."])) == list(counter.count(["The lamp."]))


@pytest.mark.parametrize("system", [[], [{"role": "system", "content": "Add numbers."}]])
@pytest.mark.parametrize(
    "template", [CHATML, OWN_SYSTEM + CHATML, CHATML.replace("<|im_end|>", "")]
)
def test_a_local_model_is_counted_by_its_chat_template(
    template: str, system: list[Any], make_model: Callable[..., Path]
) -> None:
    from jinja2 import Template
    from tokenizers import Tokenizer

    folder = with_template(make_model(), template)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    counter = counter_for(str(folder), Path("/none"))
    assert counter.name == str(folder)
    for row in good_rows(10):
        messages: Any = [*system, *row["messages"], *row["messages"]]  # type: ignore[misc]
        text = Template(template, keep_trailing_newline=True).render(messages=messages)
        assert counter.count_examples([Example(messages)])[0] == len(tokenizer.encode(text))


def test_truncation_and_padding_of_a_tokenizer_file_are_ignored(
    make_model: Callable[..., Path],
) -> None:
    counter = counter_for(str(make_model()), Path("/none"))
    short, long = counter.count(["x", "The answer to that is 12, as always. " * 20])
    assert short == 1
    assert long > 100


@pytest.mark.parametrize(
    ("template", "around"),
    [
        ("{{ bos_token }}" + CHATML, None),
        ("{% for message in messages %}[{{ message.content }}]{% endfor %}", (2, 0)),
        ("{% for message in messages %}{{ message.content }}{% break %}{% endfor %}", None),
    ],
)
def test_tokens_around_a_message_come_from_the_template(
    template: str, around: tuple[int, int] | None, make_model: Callable[..., Path]
) -> None:
    counter = counter_for(str(with_template(make_model(), template)), Path("/none"))
    assert counter.exact
    assert around is None or (counter.per_message, counter.per_row) == around
    assert counter.count_examples([Example([])])[0] >= 0


@pytest.mark.parametrize(
    "template",
    [
        "{{ nothing.at.all }}",
        "{% for",
        "{{ raise_exception('no') }}",
        "{{ messages[99].content }}",
        "{{ 1 / 0 }}",
        "{{ ''.__class__.__mro__ }}",
        "",
    ],
)
def test_a_template_that_cannot_be_run_counts_as_chat_ml(
    template: str, make_model: Callable[..., Path]
) -> None:
    counter = counter_for(str(with_template(make_model(), template)), Path("/none"))
    assert counter.exact
    assert (counter.per_message, counter.per_row) == (5, 0)


def test_a_template_in_the_config_of_the_tokenizer_counts_too(
    make_model: Callable[..., Path],
) -> None:
    plain = "{% for message in messages %}[{{ message.content }}]{% endfor %}"
    for template in (
        plain,
        [{"name": "tools", "template": ""}, {"name": "default", "template": plain}],
    ):
        folder = make_model()
        config = json.dumps({"chat_template": template, "eos_token": {"content": "<|im_end|>"}})
        (folder / "tokenizer_config.json").write_text(config, encoding="utf-8")
        assert counter_for(str(folder), Path("/none")).per_message == 2


def test_models_are_found_in_the_home_of_the_engine(
    make_model: Callable[..., Path], tmp_path: Path
) -> None:
    make_model(tmp_path / "models" / "SmolLM2-135M-Instruct")
    folder = tmp_path / "models" / "hub" / "models--org--small"
    make_model(folder / "snapshots" / "abc")
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("abc\n", encoding="utf-8")
    for model in ("SmolLM2-135M-Instruct", "org/small", "ft:SmolLM2-135M-Instruct:ftui:x1"):
        assert counter_for(model, tmp_path).name == model
        assert context_of(model, tmp_path) == 512


@pytest.mark.parametrize(
    "model",
    ["SmolLM2-135M-Instruct", "org/small", "/no/such/folder", "llama", "org/../x", "o3lab/x"],
)
def test_a_missing_tokenizer_gives_an_estimate(model: str, tmp_path: Path) -> None:
    counter = counter_for(model, tmp_path)
    assert counter.name == "estimate"
    assert not counter.exact
    assert list(counter.count(["", "12345", "x" * 400])) == [0, 2, 100]
    assert context_of(model, tmp_path) == 0


@pytest.mark.parametrize(
    "damage", [b"", b"{}", b"not json", b"\xff\xfe", b'{"model": {"type": "X"}}']
)
def test_a_damaged_tokenizer_gives_an_estimate(
    damage: bytes, make_model: Callable[..., Path]
) -> None:
    folder = make_model()
    (folder / "tokenizer.json").write_bytes(damage)
    assert counter_for(str(folder), Path("/none")).name == "estimate"


@pytest.mark.parametrize("missing", ["toktok", "tokenizers"])
def test_a_missing_library_gives_an_estimate(missing: str, make_model: Callable[..., Path]) -> None:
    model = "gpt-4.1" if missing == "toktok" else str(make_model())
    code = f"import sys; sys.modules[{missing!r}] = None\n"
    code += (
        "from pathlib import Path; from tui.services.checking.token_counters import counter_for\n"
    )
    code += f"print(counter_for({model!r}, Path('/none')).name)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert run.stdout == "estimate\n"


@pytest.mark.parametrize(
    ("model", "context"),
    [("", 65_536), ("gpt-4o-mini-2024-07-18", 65_536), ("gpt-3.5-turbo", 16_385), ("gpt-5", 0)],
)
def test_openai_models_have_their_context_length(model: str, context: int, tmp_path: Path) -> None:
    assert context_of(model, tmp_path) == context


def test_the_engine_limits_the_context_length(
    make_model: Callable[..., Path], tmp_path: Path
) -> None:
    assert context_of(str(make_model(max_position_embeddings=131_072)), tmp_path) == 2048
    inner = make_model(max_position_embeddings=None, text_config={"max_position_embeddings": 900})
    assert context_of(str(inner), tmp_path) == 900
    silent = make_model(max_position_embeddings="many", text_config=[])
    assert context_of(str(silent), tmp_path) == 2048
