"""What "auto" comes to."""

from __future__ import annotations

import pytest

from tui.engine.jobs.failures import PermanentFailure
from tui.engine.jobs.spec import Hyperparameters, MethodName
from tui.engine.training.planning.feasibility import resume_plan
from tui.engine.training.planning.plan import Plan, TrainingContext, make_plan, max_example_length


def plan(
    rows: int,
    method: MethodName = "supervised",
    *,
    parameters: int = 135_000_000,
    processes: int = 1,
    **asked: object,
) -> Plan:
    found = TrainingContext(
        rows=rows,
        length=512,
        parameters=parameters,
        device="cpu",
        precision="bf16",
        processes=processes,
    )
    return make_plan(method, Hyperparameters.model_validate(asked), found)


@pytest.mark.parametrize(("rows", "batch", "steps"), [(12, 1, 36), (60, 2, 90), (120, 4, 90)])
def test_small_files_get_small_batches_so_that_there_are_steps_enough(
    rows: int, batch: int, steps: int
) -> None:
    made = plan(rows)
    assert (made.n_epochs, made.batch_size, made.total_steps) == (3, batch, steps)
    assert (made.learning_rate, made.learning_rate_multiplier) == (1e-3, 1.0)


def test_what_is_asked_for_is_what_is_done() -> None:
    made = plan(10, n_epochs=2, batch_size=3, learning_rate_multiplier=0.5, lora_r=4)
    assert made.total_steps == 8
    assert made.learning_rate == pytest.approx(5e-4)
    assert made.adapter is not None
    assert (made.adapter.r, made.adapter.alpha) == (4, 8)
    assert plan(10, learning_rate=2e-4).learning_rate_multiplier == pytest.approx(0.2)


def test_the_last_step_is_evaluated_and_kept_and_there_are_few_of_both() -> None:
    made = plan(120)
    assert max(made.evaluation_steps) == 90
    assert len(made.evaluation_steps) == 5
    kept = [step for step in range(1, 91) if made.is_checkpoint(step)]
    assert kept[-1] == 90
    assert len(kept) == 10


def test_the_shorter_of_what_is_asked_and_what_the_model_takes_is_kept() -> None:
    assert max_example_length(Hyperparameters(), 512) == 512
    assert max_example_length(Hyperparameters(), 8192) == 2048
    assert max_example_length(Hyperparameters(max_length=100), 512) == 100
    assert max_example_length(Hyperparameters(max_length=9000), None) == 2048


def test_pairs_whole_models_and_large_models_are_trained_at_lower_rates() -> None:
    usual = plan(60).learning_rate
    for other in (plan(60, "dpo"), plan(60, lora=False), plan(60, parameters=7_000_000_000)):
        assert other.learning_rate < usual
        assert other.learning_rate_multiplier == 1.0
    assert plan(60, "dpo").beta == 0.1
    assert plan(60, "dpo", beta=0.5).beta == 0.5
    assert plan(60).beta is None


def test_the_job_reports_what_it_trains_under_the_names_in_which_it_was_asked() -> None:
    shown = plan(60, lora_r=4, context_length=100).shown()
    assert (shown["lora"], shown["lora_r"], shown["lora_alpha"]) == (True, 4, 8)
    assert shown["lora_target_modules"] == "all-linear"
    whole = plan(60, lora=False).shown()
    assert whole["lora"] is False
    assert not any(name.startswith("lora_") for name in whole)
    assert "beta" not in whole


def test_warmup_is_given_in_steps_or_as_a_share() -> None:
    assert plan(120).warmup_steps == 3
    assert plan(120, warmup_ratio=0.1).warmup_steps == 9
    assert plan(120, warmup_steps=0).warmup_steps == 0


def test_processes_share_a_batch_evenly() -> None:
    shared = plan(60, processes=4)
    assert (shared.batch_size, shared.rows_at_once) == (4, 1)
    assert plan(60, processes=2, batch_size=6).rows_at_once == 3
    with pytest.raises(ValueError, match="multiple of 2"):
        plan(60, processes=2, batch_size=3)


def test_the_best_checkpoint_is_the_result_where_training_may_end_early() -> None:
    assert not plan(60).load_best_model_at_end
    assert plan(60, early_stopping_patience=2).load_best_model_at_end
    assert not plan(
        60, early_stopping_patience=2, load_best_model_at_end=False
    ).load_best_model_at_end


def test_a_job_goes_on_with_as_many_processes_as_there_are_where_they_can_share_its_batch() -> None:
    began = plan(60, processes=2, batch_size=6)
    assert resume_plan(began, "cpu", 3).rows_at_once == 2
    with pytest.raises(PermanentFailure, match="batches of 6"):
        resume_plan(began, "cpu", 4)
    with pytest.raises(PermanentFailure, match="began on cpu"):
        resume_plan(began, "cuda", 2)
