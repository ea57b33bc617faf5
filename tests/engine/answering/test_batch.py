"""Answers generated in a batch equal those generated alone, whichever rows join or leave."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tui.engine.answering.detokenizer import Detokenizer

if TYPE_CHECKING:
    from tui.engine.answering.batch import Batch
    from tui.engine.answering.generation import Generation
    from tui.engine.answering.model_cache import LoadedModel


SIZES: dict[str, Any] = {
    "vocab_size": 300,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
}
ATTENTION: dict[str, tuple[str, dict[str, Any]]] = {
    "full attention": ("LlamaConfig", SIZES),
    "sliding window": ("MistralConfig", {**SIZES, "sliding_window": 8}),
}
CONVOLUTION = "attention and convolution"
CONFIGS = {
    **ATTENTION,
    CONVOLUTION: ("Lfm2Config", {**SIZES, "layer_types": ["conv", "full_attention"]}),
}
"""Name of the config's class in transformers, and its arguments."""
PREFIX = list(range(20, 40))
PROMPTS = [
    [*PREFIX, 50, 51, 52],
    [*PREFIX, 60],
    [*PREFIX, 70, 71, 72, 73, 74, 75, 76, 77],
    [5, 6, 7],
]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """More threads would only wait for each other."""

    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=CONFIGS)
def model(request: pytest.FixtureRequest, tiny_model: Path) -> LoadedModel:
    import torch
    import transformers
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from tui.engine.answering.model_cache import LoadedModel

    torch.manual_seed(1)
    name, options = CONFIGS[request.param]
    config = getattr(transformers, name)(**options)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    model.generation_config.eos_token_id = None
    # Random weights soon repeat one token for ever; larger ones keep the answers varied.
    for weights in model.parameters():
        weights.data *= 4
    return LoadedModel(model, AutoTokenizer.from_pretrained(tiny_model), frozenset())


def generation(
    model: LoadedModel, prompt: list[int], max_tokens: int = 12, *, index: int = 0, **params: Any
) -> Generation:
    from tui.engine.answering.generation import Generation, SamplingParams

    detokenizer = Detokenizer(model.tokenizer.decode, incremental=False)
    return Generation("request", index, prompt, SamplingParams(max_tokens, **params), detokenizer)


def reference(model: LoadedModel, prompt: list[int], max_tokens: int = 12) -> list[int]:
    """The tokens of `transformers`' own greedy decoding."""

    import torch

    ids = torch.tensor([prompt])
    output = model.model.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=max_tokens, do_sample=False
    )
    answer: list[int] = output[0, len(prompt) :].tolist()
    return answer


def is_over(generation: Generation) -> bool:
    return generation.is_over


def run(batch: Batch) -> None:
    batch.drop(is_over)
    while batch.generations:
        batch.step()
        batch.drop(is_over)


def running_batch(model: LoadedModel) -> Batch:
    """A batch of two, one of which is complete and dropped after a few steps."""

    from tui.engine.answering.batch import Batch

    batch = Batch(model, [generation(model, PROMPTS[0], 20), generation(model, PROMPTS[3], 5)])
    for _ in range(6):
        batch.step()
        batch.drop(is_over)
    assert len(batch.generations) == 1
    return batch


def assert_as_alone(model: LoadedModel, generations: list[Generation]) -> None:
    for item in generations:
        assert item.detokenizer.tokens == reference(model, item.prompt, item.params.max_tokens)


def test_a_batch_answers_each_prompt_as_generate_does_alone(model: LoadedModel) -> None:
    from tui.engine.answering.batch import Batch

    generations = [
        generation(model, prompt, max_tokens=4 + 3 * index) for index, prompt in enumerate(PROMPTS)
    ]
    run(Batch(model, generations))
    assert_as_alone(model, generations)
    assert len({tuple(item.detokenizer.tokens[:4]) for item in generations}) > 1


def test_prompts_with_a_common_prefix_get_the_same_answers_as_alone(
    model: LoadedModel,
) -> None:
    from tui.engine.answering.batch import Batch

    generations = [generation(model, prompt) for prompt in PROMPTS[:3]]
    run(Batch(model, generations))
    assert_as_alone(model, generations)


@pytest.mark.parametrize("model", ATTENTION, indirect=True)
def test_rows_that_join_a_running_batch_change_no_answer(model: LoadedModel) -> None:
    from tui.engine.answering.batch import Batch

    batch = running_batch(model)
    joining = [generation(model, PROMPTS[2], 3), generation(model, PROMPTS[1], 20)]
    generations = [*batch.generations, *joining]
    addition = Batch(model, joining)
    assert batch.can_absorb(addition)
    batch.absorb(addition)
    assert batch.generations == generations
    run(batch)
    assert_as_alone(model, generations)


@pytest.mark.parametrize("model", [CONVOLUTION], indirect=True)
def test_a_model_with_layers_other_than_attention_never_merges_batches(
    model: LoadedModel,
) -> None:
    from tui.engine.answering.batch import Batch

    batch, second_batch = running_batch(model), Batch(model, [generation(model, PROMPTS[1], 20)])
    generations = [*batch.generations, *second_batch.generations]
    assert not batch.can_absorb(second_batch)
    run(batch)
    run(second_batch)
    assert_as_alone(model, generations)


@pytest.mark.parametrize("model", ATTENTION, indirect=True)
def test_a_batch_absorbs_no_rows_of_another_model(model: LoadedModel) -> None:
    from tui.engine.answering.batch import Batch
    from tui.engine.answering.model_cache import LoadedModel

    batch = Batch(model, [generation(model, PROMPTS[0])])
    twin = LoadedModel(model.model, model.tokenizer, frozenset())
    assert batch.can_absorb(Batch(model, [generation(model, PROMPTS[3])]))
    assert not batch.can_absorb(Batch(twin, [generation(twin, PROMPTS[3])]))


@pytest.mark.parametrize("model", ["full attention"], indirect=True)
def test_a_batch_absorbs_no_rows_that_would_be_mostly_padding(
    model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tui.engine.answering import batch as batches
    from tui.engine.answering.batch import Batch

    long = Batch(model, [generation(model, PROMPTS[2])])
    similar = Batch(model, [generation(model, PROMPTS[1])])
    short = Batch(model, [generation(model, PROMPTS[3], index=index) for index in range(4)])
    assert long.can_absorb(short)
    monkeypatch.setattr(batches, "_CHEAP_COLUMNS", 0)
    assert long.can_absorb(similar)
    assert not long.can_absorb(short)


def test_choices_of_one_prompt_differ_and_repeat_with_the_seed(model: LoadedModel) -> None:
    from tui.engine.answering.batch import Batch

    def choices(seed: int) -> list[list[int]]:
        generations = [
            generation(model, PROMPTS[0], index=index, temperature=1.0, seed=seed)
            for index in range(3)
        ]
        run(Batch(model, generations))
        return [item.detokenizer.tokens for item in generations]

    assert len({tuple(tokens) for tokens in choices(5)}) == 3
    assert choices(5) == choices(5)
    assert choices(5) != choices(6)


def test_a_seeded_answer_is_the_same_alone_and_in_a_batch(model: LoadedModel) -> None:
    from tui.engine.answering.batch import Batch

    params: dict[str, Any] = {"temperature": 0.8, "top_p": 0.9, "seed": 11}
    alone = generation(model, PROMPTS[1], **params)
    run(Batch(model, [alone]))
    batched = generation(model, PROMPTS[1], **params)
    neighbours = generation(model, PROMPTS[0]), generation(model, PROMPTS[3], seed=11)
    run(Batch(model, [neighbours[0], batched, neighbours[1]]))
    assert batched.detokenizer.tokens == alone.detokenizer.tokens
