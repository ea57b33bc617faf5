"""Answers made together are the answers made alone, whoever joins and leaves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    Lfm2Config,
    LlamaConfig,
    MistralConfig,
)

from tui.engine.answering.batch import Batch
from tui.engine.answering.detokenizer import Transcript
from tui.engine.answering.generation import Row, Wishes
from tui.engine.answering.model_cache import Loaded

SIZES: dict[str, Any] = {
    "vocab_size": 300,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
}
CONFIGS = {
    "full attention": LlamaConfig(**SIZES),
    "sliding window": MistralConfig(**SIZES, sliding_window=8),
    "attention and convolution": Lfm2Config(**SIZES, layer_types=["conv", "full_attention"]),
}
BEGINNING = list(range(20, 40))
PROMPTS = [
    [*BEGINNING, 50, 51, 52],
    [*BEGINNING, 60],
    [*BEGINNING, 70, 71, 72, 73, 74, 75, 76, 77],
    [5, 6, 7],
]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """More threads would only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=CONFIGS)
def loaded(request: pytest.FixtureRequest, tiny_model: Path) -> Loaded:
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_config(CONFIGS[request.param], dtype=torch.float32).eval()
    model.generation_config.eos_token_id = None
    # Answers of random weights are soon one token over and over; louder weights keep them going.
    for weights in model.parameters():
        weights.data *= 4
    return Loaded(model, AutoTokenizer.from_pretrained(tiny_model), frozenset())


def row(loaded: Loaded, prompt: list[int], most: int = 12, **wishes: Any) -> Row:
    transcript = Transcript(loaded.tokenizer.decode, eager=False)
    return Row("question", 0, prompt, Wishes(most, **wishes), transcript)


def alone(loaded: Loaded, prompt: list[int], most: int = 12) -> list[int]:
    """What `transformers` itself answers."""
    ids = torch.tensor([prompt])
    made = loaded.model.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=most, do_sample=False
    )
    answer: list[int] = made[0, len(prompt) :].tolist()
    return answer


def finish(batch: Batch) -> None:
    batch.drop(lambda row: row.over)
    while batch.rows:
        batch.step()
        batch.drop(lambda row: row.over)


def test_a_batch_answers_as_generate_does_for_each_prompt_alone(loaded: Loaded) -> None:
    rows = [row(loaded, prompt, most=4 + 3 * at) for at, prompt in enumerate(PROMPTS)]
    finish(Batch(loaded, rows))
    for at, made in enumerate(rows):
        assert made.transcript.tokens == alone(loaded, PROMPTS[at], 4 + 3 * at)
    assert len({tuple(made.transcript.tokens[:4]) for made in rows}) > 1


def test_prompts_that_begin_alike_are_answered_as_if_each_had_been_read_alone(
    loaded: Loaded,
) -> None:
    rows = [row(loaded, prompt) for prompt in PROMPTS[:3]]
    finish(Batch(loaded, rows))
    for made, prompt in zip(rows, PROMPTS, strict=False):
        assert made.transcript.tokens == alone(loaded, prompt)


def test_rows_that_join_a_running_batch_change_nothing_for_anybody(loaded: Loaded) -> None:
    first = [row(loaded, PROMPTS[0], 20), row(loaded, PROMPTS[3], 5)]
    second = [row(loaded, PROMPTS[2], 3), row(loaded, PROMPTS[1], 20)]
    running, joining = Batch(loaded, first), Batch(loaded, second)
    for _ in range(6):
        running.step()
        running.drop(lambda row: row.over)
    if running.can_absorb(joining):
        running.absorb(joining)
    else:
        finish(joining)
    finish(running)
    for made in first + second:
        assert made.transcript.tokens == alone(loaded, made.prompt, made.wishes.most)


def test_only_a_batch_of_the_same_model_and_of_a_like_length_takes_rows_in(
    loaded: Loaded,
) -> None:
    one = Batch(loaded, [row(loaded, PROMPTS[0])])
    same = Batch(loaded, [row(loaded, PROMPTS[3])])
    other = Batch(Loaded(loaded.model, loaded.tokenizer, frozenset()), [row(loaded, PROMPTS[3])])
    assert one.can_absorb(same) == (loaded.model.config.model_type != "lfm2")
    assert not one.can_absorb(other)


def test_several_answers_to_one_prompt_are_drawn_apart_and_alike_with_a_seed(
    loaded: Loaded,
) -> None:
    def three(seed: int) -> list[list[int]]:
        wishes = Wishes(12, temperature=1.0, seed=seed)
        rows = [
            Row("q", n, PROMPTS[0], wishes, Transcript(loaded.tokenizer.decode, eager=False))
            for n in range(3)
        ]
        finish(Batch(loaded, rows))
        return [made.transcript.tokens for made in rows]

    assert len({tuple(tokens) for tokens in three(5)}) == 3
    assert three(5) == three(5)
    assert three(5) != three(6)


def test_a_seeded_answer_is_the_same_alone_and_among_others(loaded: Loaded) -> None:
    wishes: dict[str, Any] = {"temperature": 0.8, "top_p": 0.9, "seed": 11}
    single = row(loaded, PROMPTS[1], **wishes)
    finish(Batch(loaded, [single]))
    among = row(loaded, PROMPTS[1], **wishes)
    finish(Batch(loaded, [row(loaded, PROMPTS[0]), among, row(loaded, PROMPTS[3], seed=11)]))
    assert among.transcript.tokens == single.transcript.tokens
