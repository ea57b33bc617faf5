"""What "auto" comes to."""

from __future__ import annotations

import pytest

from tui.engine.plan import Plan, kept_length, make_plan
from tui.engine.spec import Hyperparameters


def plan(rows: int, **asked: object) -> Plan:
    settings = Hyperparameters.model_validate(asked)
    return make_plan(settings, rows=rows, length=512, device="cpu", precision="bf16")


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
    assert (made.lora_r, made.lora_alpha) == (4, 8)
    assert plan(10, learning_rate=2e-4).learning_rate_multiplier == pytest.approx(0.2)


def test_the_last_step_is_evaluated_and_kept_and_there_are_few_of_both() -> None:
    made = plan(120)
    assert max(made.evaluation_steps) == 90
    assert len(made.evaluation_steps) == 5
    kept = [step for step in range(1, 91) if made.is_checkpoint(step)]
    assert kept[-1] == 90
    assert len(kept) == 10


def test_the_shorter_of_what_is_asked_and_what_the_model_takes_is_kept() -> None:
    assert kept_length(Hyperparameters(), 512) == 512
    assert kept_length(Hyperparameters(), 8192) == 2048
    assert kept_length(Hyperparameters(max_length=100), 512) == 100
    assert kept_length(Hyperparameters(max_length=9000), None) == 2048
