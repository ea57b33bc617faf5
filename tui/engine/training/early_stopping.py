"""When training stops before its last step: the validation loss has stopped falling."""

from __future__ import annotations

from collections.abc import Sequence

from tui.engine.training.checkpoints import CheckpointManifest, best_checkpoint


def should_stop_early(checkpoints: Sequence[CheckpointManifest], patience: int | None) -> bool:
    """Whether the validation loss has not fallen for `patience` checkpoints.

    Args:
        checkpoints: those written so far, by step.
        patience: number of checkpoints to wait for a lower loss; None never stops early.
    """
    return patience is not None and checkpoints_since_best(checkpoints) >= patience


def checkpoints_since_best(checkpoints: Sequence[CheckpointManifest]) -> int:
    """Number of evaluated checkpoints after the best one; 0 where none was evaluated."""
    best = best_checkpoint(checkpoints)
    if best is None:
        return 0
    return sum(
        checkpoint.step > best.step
        for checkpoint in checkpoints
        if checkpoint.validation_loss is not None
    )


def describe_early_stop(checkpoints: Sequence[CheckpointManifest], patience: int | None) -> str:
    """The message that tells why training stopped after the last of these checkpoints."""
    best = best_checkpoint(checkpoints)
    lowest = "" if best is None else f"; it was lowest at step {best.step}"
    return (
        f"Stopped early after step {checkpoints[-1].step}: the validation loss has not fallen for "
        f"{patience} checkpoints{lowest}"
    )
