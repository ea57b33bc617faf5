"""Sentences about stopping a job: what is lost and what is kept."""

from __future__ import annotations

from tui.domain.jobs.view import Checkpoint, JobView
from tui.domain.text import loss, number, plural, preview

TRAINING = ("running", "pausing")
"""States in which a job may have steps that no checkpoint contains yet."""


def latest_checkpoint(view: JobView) -> Checkpoint | None:
    """The newest checkpoint of a job, which remains when it is cancelled; None without any."""
    return max(view.checkpoints, key=lambda checkpoint: checkpoint.step, default=None)


def resulting_model(view: JobView) -> str | None:
    """The name of the model that a job produced: its tuned model, or its last checkpoint's."""
    checkpoint = latest_checkpoint(view) if view.terminal else None
    return view.fine_tuned_model or (checkpoint.name if checkpoint else None)


def describe_cancel(view: JobView) -> str:
    """What is lost and kept when a job is cancelled, by its known steps."""
    return f"{_describe_lost(view)} {describe_kept(view)} A cancelled job cannot be resumed."


def describe_kept(view: JobView) -> str:
    """What is kept when a job is cancelled now."""
    checkpoint = latest_checkpoint(view)
    if checkpoint is None:
        return "There is no checkpoint yet: no model is kept."
    valid = (
        f" (validation loss {loss(checkpoint.valid_loss)})"
        if checkpoint.valid_loss is not None
        else ""
    )
    name = f", as {preview(checkpoint.name, 200)}" if checkpoint.name else ""
    return f"The checkpoint of step {number(checkpoint.step)}{valid} is kept{name}."


def describe_stop(view: JobView) -> str:
    """What is lost and kept when a job is stopped with a new checkpoint."""
    left = f" {_describe_steps_left(view)}" if _steps_left(view) else ""
    if view.status not in TRAINING:
        return f"The job is not training and is cancelled at once. {describe_cancel(view)}"
    return (
        "The job is paused, which saves a checkpoint after the current step, and then cancelled. "
        f"No step is lost.{left} A cancelled job cannot be resumed; its checkpoint can be used as "
        "a model."
    )


def describe_kept_checkpoint(view: JobView) -> str:
    """What is kept of a stopped job: its newest checkpoint and that model's name."""
    checkpoint = latest_checkpoint(view)
    if checkpoint is None:
        return "It had no checkpoint yet; nothing is kept."
    step = f"Its checkpoint of step {number(checkpoint.step)}"
    if checkpoint.name is None:
        return f"{step} is kept; the server gives it no name."
    return (
        f"{step} is kept as {preview(checkpoint.name, 200)}: chat with it or evaluate it by that "
        "name."
    )


def _describe_lost(view: JobView) -> str:
    checkpoint = latest_checkpoint(view)
    saved = checkpoint.step if checkpoint else 0
    left = f" {_describe_steps_left(view)}" if _steps_left(view) else ""
    if not view.step:
        return f"No step has been trained yet.{left}"
    if view.step <= saved:
        return f"No trained step is lost.{left}"
    if view.step == saved + 1:
        steps = f"Step {number(view.step)} is"
    else:
        steps = f"Steps {number(saved + 1)} to {number(view.step)} are"
    later = ", and any trained meanwhile" if view.status in TRAINING else ""
    return f"{steps} lost{later}.{left}"


def _steps_left(view: JobView) -> int:
    return max(0, (view.total_steps or 0) - view.step)


def _describe_steps_left(view: JobView) -> str:
    left = _steps_left(view)
    return f"{plural(left, 'further step')} {'is' if left == 1 else 'are'} not trained."
