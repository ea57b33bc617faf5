"""How a training plan resolves the settings that a request leaves open."""

from __future__ import annotations

import pytest

from tui.engine.jobs.failures import PermanentFailure
from tui.engine.jobs.spec import Hyperparameters, MethodName
from tui.engine.training.planning.feasibility import resume_plan
from tui.engine.training.planning.plan import Plan, TrainingContext, make_plan, resolve_max_length


def plan(
    rows: int,
    method: MethodName = "supervised",
    *,
    parameters: int = 135_000_000,
    processes: int = 1,
    **hyperparameters: object,
) -> Plan:
    context = TrainingContext(
        rows=rows,
        max_length=512,
        parameters=parameters,
        device="cpu",
        precision="bf16",
        processes=processes,
    )
    return make_plan(method, Hyperparameters.model_validate(hyperparameters), context)


@pytest.mark.parametrize(("rows", "batch", "steps"), [(12, 1, 36), (60, 2, 90), (120, 4, 90)])
def test_small_files_get_small_batches_and_so_enough_steps(
    rows: int, batch: int, steps: int
) -> None:
    resolved = plan(rows)
    assert (resolved.n_epochs, resolved.batch_size, resolved.total_steps) == (3, batch, steps)
    assert (resolved.learning_rate, resolved.learning_rate_multiplier) == (1e-3, 1.0)


def test_requested_hyperparameters_are_used() -> None:
    resolved = plan(10, n_epochs=2, batch_size=3, learning_rate_multiplier=0.5, lora_r=4)
    assert resolved.total_steps == 8
    assert resolved.learning_rate == pytest.approx(5e-4)
    assert resolved.adapter is not None
    assert (resolved.adapter.r, resolved.adapter.alpha) == (4, 8)
    assert plan(10, learning_rate=2e-4).learning_rate_multiplier == pytest.approx(0.2)


def test_evaluations_and_checkpoints_are_few_and_include_the_last_step() -> None:
    resolved = plan(120)
    assert max(resolved.evaluation_steps) == 90
    assert len(resolved.evaluation_steps) == 5
    checkpoints = [step for step in range(1, 91) if resolved.is_checkpoint(step)]
    assert checkpoints[-1] == 90
    assert len(checkpoints) == 10


def test_examples_are_truncated_to_the_smaller_of_the_request_and_the_models_context() -> None:
    assert resolve_max_length(Hyperparameters(), 512) == 512
    assert resolve_max_length(Hyperparameters(), 8192) == 2048
    assert resolve_max_length(Hyperparameters(max_length=100), 512) == 100
    assert resolve_max_length(Hyperparameters(max_length=9000), None) == 2048


def test_dpo_full_fine_tunes_and_large_models_get_lower_learning_rates() -> None:
    usual = plan(60).learning_rate
    for training_plan in (
        plan(60, "dpo"),
        plan(60, lora=False),
        plan(60, parameters=7_000_000_000),
    ):
        assert training_plan.learning_rate < usual
        assert training_plan.learning_rate_multiplier == 1.0
    assert plan(60, "dpo").beta == 0.1
    assert plan(60, "dpo", beta=0.5).beta == 0.5
    assert plan(60).beta is None


def test_resolved_hyperparameters_are_reported_under_the_names_of_the_request() -> None:
    reported = plan(60, lora_r=4, context_length=100).hyperparameters()
    assert (reported["lora"], reported["lora_r"], reported["lora_alpha"]) == (True, 4, 8)
    assert reported["lora_target_modules"] == "all-linear"
    full = plan(60, lora=False).hyperparameters()
    assert full["lora"] is False
    assert not any(name.startswith("lora_") for name in full)
    assert "beta" not in full


def test_warmup_can_be_given_in_steps_or_as_a_ratio() -> None:
    assert plan(120).warmup_steps == 3
    assert plan(120, warmup_ratio=0.1).warmup_steps == 9
    assert plan(120, warmup_steps=0).warmup_steps == 0


def test_processes_share_a_batch_evenly() -> None:
    shared = plan(60, processes=4)
    assert (shared.batch_size, shared.per_device_batch_size) == (4, 1)
    assert plan(60, processes=2, batch_size=6).per_device_batch_size == 3
    with pytest.raises(ValueError, match="multiple of 2"):
        plan(60, processes=2, batch_size=3)


def test_the_best_checkpoint_is_the_result_with_early_stopping() -> None:
    assert not plan(60).load_best_model_at_end
    assert plan(60, early_stopping_patience=2).load_best_model_at_end
    assert not plan(
        60, early_stopping_patience=2, load_best_model_at_end=False
    ).load_best_model_at_end


def test_a_job_resumes_with_another_number_of_processes_if_they_can_share_its_batch() -> None:
    original = plan(60, processes=2, batch_size=6)
    assert resume_plan(original, "cpu", 3).per_device_batch_size == 2
    with pytest.raises(PermanentFailure, match="batches of 6"):
        resume_plan(original, "cpu", 4)
    with pytest.raises(PermanentFailure, match="started on cpu"):
        resume_plan(original, "cuda", 2)
