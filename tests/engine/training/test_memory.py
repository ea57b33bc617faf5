"""What a run is estimated to take, and when it is refused."""

from __future__ import annotations

import json

import pytest

from tui.engine.jobs.spec import Hyperparameters, MethodName
from tui.engine.training.planning.device import Device
from tui.engine.training.planning.memory import estimate, free_memory, memory_blocker
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
    """That of SmolLM2-135M: its config is enough."""
    folder = tmp_path_factory.mktemp("shape")
    (folder / "config.json").write_text(json.dumps(CONFIG))
    return read_model_shape(folder)


def plan(method: MethodName = "supervised", device: Device = "cpu", **asked: object) -> Plan:
    found = TrainingContext(
        rows=120, length=2048, parameters=135_000_000, device=device, precision="bf16"
    )
    return make_plan(method, Hyperparameters.model_validate({"batch_size": 4, **asked}), found)


def test_the_shape_is_told_by_the_config_alone(shape: ModelShape) -> None:
    assert shape.parameters == 134_515_008
    assert len(shape.targeted("all-linear")) == 210
    assert shape.adapter_parameters("all-linear", 16) == 4_884_480
    assert shape.linear["model.layers.0.mlp.down_proj"] == (1536, 576)
    with pytest.raises(KeyError):
        shape.targeted(["lm_head"])


def test_more_of_anything_takes_more(shape: ModelShape) -> None:
    usual = estimate(plan(), shape, 137, 40)
    for more, longest in (
        (plan(batch_size=8), 137),
        (plan(), 1000),
        (plan(lora=False), 137),
        (plan("dpo"), 137),
        (plan(lora_r=256), 137),
    ):
        assert estimate(more, shape, longest, 40).total > usual.total
    on_gpu = estimate(plan(device="cuda"), shape, 1000, 40)
    assert on_gpu.activations < estimate(plan(), shape, 1000, 40).activations
    assert estimate(plan(lora=False), shape, 137, 40).optimizer == 8 * shape.parameters


def test_what_does_not_fit_is_refused_with_the_numbers_and_what_would_help(
    shape: ModelShape,
) -> None:
    how = plan(lora=False)
    need = estimate(how, shape, 137, 40)
    assert memory_blocker(need, need.total, how) is None
    reason = memory_blocker(need, 2e9, how)
    assert reason is not None
    assert "optimizer 1.08 GB" in reason
    assert "2.00 GB are free" in reason
    assert "lora: true" in reason
    assert "lora: true" not in str(memory_blocker(need, 0, plan()))


def test_this_machine_has_some_memory_and_not_endlessly_much() -> None:
    assert 1e6 < free_memory("cpu") < 1e14
