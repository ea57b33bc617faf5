"""Fixtures for all tests: a tiny model, a running engine, a test server."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import hypothesis
import keyring.backends.null
import pytest
from servers.misbehaving import MisbehavingServer, misbehaving_server
from support.providers import KEY, KEY_ENV
from support.sample_rows import good_rows

from tui.services.providers.engine_process import EngineProcess
from tui.settings import Settings

# A busy machine is no fault of the code: examples are counted, never timed.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


# Modules are no garbage: looking through them takes a fifth of the time of a test of the app.
gc.disable()


STARTED = time.monotonic()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--start-within", type=int, metavar="MINUTES", help="leave out tests that start later"
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave a test out, by name, where its run has no time left for it."""
    minutes = item.config.getoption("--start-within")
    if minutes is not None and time.monotonic() - STARTED > minutes * 60:
        pytest.skip(f"{item.nodeid} left out: not started within {minutes} minutes")


def pytest_collection_finish() -> None:
    """Collect garbage from here on, without what was imported by now."""
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True, scope="session")
def empty_keyring() -> Iterator[None]:
    """Keep the keyring of this machine out of the tests."""
    before = keyring.get_keyring()
    keyring.set_keyring(keyring.backends.null.Keyring())
    yield
    keyring.set_keyring(before)


@pytest.fixture(autouse=True)
def provider_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key of a test's provider is in the environment."""
    monkeypatch.setenv(KEY_ENV, KEY)


@pytest.fixture
async def server() -> AsyncIterator[MisbehavingServer]:
    """A real HTTP server of the fine-tuning protocol."""
    async with misbehaving_server() as server:
        yield server


TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a chat model with random weights that trains a step in milliseconds."""
    gc.disable()
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    gc.freeze()
    gc.enable()
    folder = tmp_path_factory.mktemp("model") / "tiny-llama"
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=specials,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator([json.dumps(row) for row in good_rows(50)], trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=["<|im_start|>"],
    )
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=48,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
    )
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def engine_settings(
    tiny_model: Path, tmp_path_factory: pytest.TempPathFactory, own_runtime_folder: None
) -> Iterator[Settings]:
    """Settings whose engine runs for the whole session, started the way production does."""
    root = tmp_path_factory.mktemp("engine")
    settings = Settings(home=root / "home", workspace=root / ".ftui", model=str(tiny_model))
    engine = EngineProcess(settings)
    asyncio.run(engine.start())
    yield settings
    asyncio.run(engine.stop())


@pytest.fixture
def chat_file(tmp_path: Path) -> Callable[..., Path]:
    """Makes a chat file: `chat_file()` a good one, `chat_file(rows, "name.jsonl")` any other."""

    def make(rows: list[dict[str, object]] | None = None, name: str = "chat.jsonl") -> Path:
        path = tmp_path / name
        lines = [json.dumps(row) for row in (good_rows() if rows is None else rows)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return make


@pytest.fixture(scope="session", autouse=True)
def own_runtime_folder() -> Iterator[None]:
    """Sockets of this run lie apart from those of engines that a person runs.

    Not under pytest's own folders: a socket's path has room for 107 bytes.
    """
    with (
        tempfile.TemporaryDirectory(prefix="ftui-") as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("XDG_RUNTIME_DIR", folder)
        # The tiny model gains nothing from more threads, and loses much where tests run together.
        patch.setenv("OMP_NUM_THREADS", "1")
        yield


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
