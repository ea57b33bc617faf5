"""What cancelling or stopping a job loses and keeps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tui.domain.jobs.stopping import describe_cancel, describe_kept_checkpoint, describe_stop
from tui.domain.jobs.view import Checkpoint, JobView


def job(step: int, *saved: int, total: int | None = 90, name: str | None = "ft:t") -> JobView:
    checkpoints = tuple(
        Checkpoint(
            f"c{saved_step}", 0.0, saved_step, name and f"{name}:ckpt-step-{saved_step}", 0.5
        )
        for saved_step in saved
    )
    return JobView("far", "j", "running", step=step, total_steps=total, checkpoints=checkpoints)


@pytest.mark.parametrize(
    ("view", "sentence"),
    [
        (job(0), "No step has been trained yet. 90 further steps are not trained."),
        (job(56), "Steps 1 to 56 are lost, and any trained meanwhile."),
        (job(56, 40, 20), "Steps 41 to 56 are lost, and any trained meanwhile."),
        (job(41, 40), "Step 41 is lost, and any trained meanwhile."),
        (job(40, 40), "No trained step is lost. 50 further steps are not trained."),
        (job(1_200, 1_000, total=None), "Steps 1,001 to 1,200 are lost"),
        (job(89, 80), "1 further step is not trained."),
    ],
)
def test_the_steps_since_the_last_checkpoint_are_lost(view: JobView, sentence: str) -> None:
    assert sentence in describe_cancel(view)
    assert describe_cancel(view).endswith("A cancelled job cannot be resumed.")


@pytest.mark.parametrize(
    ("view", "sentence"),
    [
        (job(9), "There is no checkpoint yet: no model is kept."),
        (
            job(56, 20, 40),
            "The checkpoint of step 40 (validation loss 0.500) is kept, as ft:t:ckpt-step-40.",
        ),
        (job(56, 40, name=None), "The checkpoint of step 40 (validation loss 0.500) is kept."),
        (job(56, 40, name="ft:\x1b[2J"), "is kept, as ft:�:ckpt-step-40."),
    ],
)
def test_the_newest_checkpoint_is_kept_under_its_name(view: JobView, sentence: str) -> None:
    assert sentence in describe_cancel(view)


def test_stopping_with_a_checkpoint_loses_no_step() -> None:
    description = describe_stop(job(56, 40))
    assert "No step is lost. 34 further steps are not trained." in description


def test_after_stopping_the_model_name_of_the_checkpoint_is_shown() -> None:
    assert "step 60 is kept as ft:t:ckpt-step-60: chat with it" in describe_kept_checkpoint(
        job(60, 40, 60)
    )
    assert "nothing is kept" in describe_kept_checkpoint(job(0))
    assert "the server gives it no name" in describe_kept_checkpoint(job(60, 60, name=None))


def test_a_job_that_is_not_training_is_cancelled_at_once_with_its_checkpoints() -> None:
    paused = replace(job(56, 56), status="paused")
    description = describe_stop(paused)
    assert description.startswith("The job is not training and is cancelled at once.")
    assert "The checkpoint of step 56" in description
    assert "meanwhile" not in describe_cancel(replace(job(56, 40), status="paused"))
