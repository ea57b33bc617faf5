"""Stopping a job: what is lost by it and what is kept, in words."""

from __future__ import annotations

from tui.domain.jobs.view import Checkpoint, JobView
from tui.domain.text import loss, number, plural, preview

TRAINING = ("running", "pausing")
"""States in which a job has steps that no checkpoint holds yet."""


def latest_checkpoint(view: JobView) -> Checkpoint | None:
    """The newest saved state of a job: what stays when it is cancelled now; None without any."""
    return max(view.checkpoints, key=lambda one: one.step, default=None)


def resulting_model(view: JobView) -> str | None:
    """The name by which what a job has made answers: its tuned model, or what its end left."""
    kept = latest_checkpoint(view) if view.terminal else None
    return view.fine_tuned_model or (kept.name if kept else None)


def describe_cancel(view: JobView) -> str:
    """What cancelling a job loses and keeps, by the steps that were seen of it."""
    return f"{_lost(view)} {describe_kept(view)} A cancelled job cannot be resumed."


def describe_kept(view: JobView) -> str:
    """What is kept of a job that is cancelled now."""
    kept = latest_checkpoint(view)
    if kept is None:
        return "There is no checkpoint yet: no model is kept."
    valid = f" (validation loss {loss(kept.valid_loss)})" if kept.valid_loss is not None else ""
    name = f", as {preview(kept.name, 200)}" if kept.name else ""
    return f"The checkpoint of step {number(kept.step)}{valid} is kept{name}."


def describe_stop(view: JobView) -> str:
    """What stopping a job with a new checkpoint loses and keeps."""
    left = f" {_not_trained(view)}" if _left(view) else ""
    if view.status not in TRAINING:
        return f"The job does not train now and is cancelled at once. {describe_cancel(view)}"
    return (
        "The job is paused, which saves a checkpoint after the step it is at, and is cancelled "
        f"then. No step is lost.{left} A cancelled job cannot be resumed; its checkpoint answers "
        "as a model."
    )


def describe_kept_checkpoint(view: JobView) -> str:
    """What a job left that was stopped: the model's name of its newest checkpoint."""
    kept = latest_checkpoint(view)
    if kept is None:
        return "It had no checkpoint yet; nothing is kept."
    if kept.name is None:
        return f"Its checkpoint of step {number(kept.step)} is kept; the server gives it no name."
    return (
        f"Its checkpoint of step {number(kept.step)} is kept as {preview(kept.name, 200)}: chat "
        "with it or evaluate it by that name."
    )


def _lost(view: JobView) -> str:
    kept = latest_checkpoint(view)
    begin = kept.step if kept else 0
    left = f" {_not_trained(view)}" if _left(view) else ""
    if not view.step:
        return f"No step of it is trained yet.{left}"
    if view.step <= begin:
        return f"No trained step is lost.{left}"
    if view.step == begin + 1:
        which = f"Step {number(view.step)} is"
    else:
        which = f"Steps {number(begin + 1)} to {number(view.step)} are"
    more = ", and those that it trains meanwhile" if view.status in TRAINING else ""
    return f"{which} lost{more}.{left}"


def _left(view: JobView) -> int:
    return max(0, (view.total_steps or 0) - view.step)


def _not_trained(view: JobView) -> str:
    left = _left(view)
    return f"{plural(left, 'further step')} {'is' if left == 1 else 'are'} not trained."
