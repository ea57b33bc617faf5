"""The estimate of a run's memory, and when a run is refused."""

from __future__ import annotations

import json

import pytest

from tui.engine.jobs.spec import Hyperparameters, MethodName
from tui.engine.training.planning.device import Device
from tui.engine.training.planning.memory import estimate_memory, free_memory, memory_blocker
from tui.engine.training.planning.model_shape import ModelShape, read_model_shape
from tui.engine.training.planning.plan import Plan, TrainingContext, make_plan

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 576,
    "intermediate_size": 1536,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "max_position_embeddings": 8192,
    "vocab_size": 49152,
    "tie_word_embeddings": True,
}


@pytest.fixture(scope="module")
def shape(tmp_path_factory: pytest.TempPathFactory) -> ModelShape:
    """The shape of SmolLM2-135M, from its config."""
    folder = tmp_path_factory.mktemp("shape")
    (folder / "config.json").write_text(json.dumps(CONFIG))
    return read_model_shape(folder)


def plan(
    method: MethodName = "supervised", device: Device = "cpu", **hyperparameters: object
) -> Plan:
    context = TrainingContext(
        rows=120, max_length=2048, parameters=135_000_000, device=device, precision="bf16"
    )
    requested = Hyperparameters.model_validate({"batch_size": 4, **hyperparameters})
    return make_plan(method, requested, context)


def test_the_shape_is_read_from_the_config_alone(shape: ModelShape) -> None:
    assert shape.parameters == 134_515_008
    assert len(shape.target_modules("all-linear")) == 210
    assert shape.adapter_parameters("all-linear", 16) == 4_884_480
    assert shape.linear["model.layers.0.mlp.down_proj"] == (1536, 576)
    with pytest.raises(KeyError):
        shape.target_modules(["lm_head"])


def test_larger_batches_rows_and_adapters_take_more_memory(shape: ModelShape) -> None:
    baseline = estimate_memory(plan(), shape, 137, 40)
    for larger, longest in (
        (plan(batch_size=8), 137),
        (plan(), 1000),
        (plan(lora=False), 137),
        (plan("dpo"), 137),
        (plan(lora_r=256), 137),
    ):
        assert estimate_memory(larger, shape, longest, 40).total > baseline.total
    on_gpu = estimate_memory(plan(device="cuda"), shape, 1000, 40)
    assert on_gpu.activations < estimate_memory(plan(), shape, 1000, 40).activations
    assert estimate_memory(plan(lora=False), shape, 137, 40).optimizer == 8 * shape.parameters


@pytest.mark.parametrize("method", ["supervised", "dpo"])
def test_on_cuda_the_head_takes_no_memory_for_the_logits_of_every_position(
    shape: ModelShape, method: MethodName
) -> None:
    on_gpu = plan(method, device="cuda")
    few, many = (estimate_memory(on_gpu, shape, 1000, learned).total for learned in (10, 1000))
    assert few == many
    # Measured on an H200: 8 rows of 1,100 tokens, packing SmolLM2-135M took 1.34 GB, DPO 1.12 GB.
    assert few < 2.5e9


def test_a_run_that_does_not_fit_is_refused_with_figures_and_remedies(
    shape: ModelShape,
) -> None:
    full = plan(lora=False)
    estimate = estimate_memory(full, shape, 137, 40)
    assert memory_blocker(estimate, estimate.total, full) is None
    reason = memory_blocker(estimate, 2e9, full)
    assert reason is not None
    assert "optimizer 1.08 GB" in reason
    assert "2.00 GB is free" in reason
    assert "lora: true" in reason
    assert "lora: true" not in str(memory_blocker(estimate, 0, plan()))


def test_the_free_memory_of_this_machine_is_plausible() -> None:
    assert 1e6 < free_memory("cpu") < 1e14
