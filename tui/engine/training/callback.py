"""What a training run reporter and obeys: every step once, checkpoints, the control file."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from transformers import TrainerCallback

from tui.engine.home import JobFolder
from tui.engine.jobs.failures import Diverged
from tui.engine.jobs.worker_reports import Checkpoint, Metrics, Reporter
from tui.engine.training.checkpoints import (
    CheckpointManifest,
    best,
    checkpoints_since_best,
    marks,
    prune,
    write_manifest,
)
from tui.engine.training.distributed import ProcessGroup
from tui.engine.training.planning.plan import Plan

Wanted = Callable[[], str | None]
"""Gives `cancel` or `pause` when a run shall stop."""

_MOST_EVALUATED = 200
"""Rows of a large validation file that are evaluated between checkpoints; all of them at each."""
_REWARDS = ("rewards/accuracies", "rewards/margins", "rewards/chosen", "rewards/rejected")
_PLACEHOLDER_CARD = "README.md"


class TrainingCallback(TrainerCallback):  # type: ignore[misc]
    """Reports every step once, keeps the plan's schedule, and obeys the control file."""

    def __init__(
        self,
        folder: JobFolder,
        plan: Plan,
        reporter: Reporter,
        wanted: Wanted,
        group: ProcessGroup,
    ) -> None:
        """Watch a run.

        Args:
            folder: the job's.
            plan: when to evaluate and to save.
            reporter: where the figures go.
            wanted: asked after every step whether to stop.
            group: the processes that train.
        """
        self._folder = folder
        self._plan = plan
        self._reporter = reporter
        self._wanted = wanted
        self._group = group
        self._figures: dict[str, int | float] = {}
        self._last: dict[str, int | float] = {}
        self._step = 0
        self._began = time.monotonic()
        self._seconds = 0.0
        self._tokens_before = 0
        self._trainer: Any = None
        self._whole_validation: Any = None
        self._part_validation: Any = None
        self.stopped: str | None = None

    def attend(self, trainer: Any, seed: int) -> None:
        """Watch this trainer; the seed picks the sample of a large validation file."""
        self._trainer = trainer
        whole = self._whole_validation = self._part_validation = trainer.eval_dataset
        if whole is not None and len(whole) > _MOST_EVALUATED:
            self._part_validation = whole.shuffle(seed=seed).select(range(_MOST_EVALUATED))

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """A step begins: the one before it is complete."""
        self.flush()
        self._began = time.monotonic()
        self._tokens_before = state.num_input_tokens_seen

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """A step is done: decide what follows it."""
        self._seconds = time.monotonic() - self._began
        step = state.global_step
        self.stopped = self._group.broadcast(self._wanted())
        if self.stopped is not None:
            control.should_training_stop = True
            control.should_save = self.stopped == "pause"
            return
        control.should_save = self._plan.is_checkpoint(step)
        if self._whole_validation is not None:
            control.should_evaluate = control.should_save or step in self._plan.evaluation_steps
            whole = control.should_save
            self._trainer.eval_dataset = self._whole_validation if whole else self._part_validation

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Figures of the step, or of the evaluation that follows it."""
        self._step = state.global_step
        if "loss" in logs:
            if not math.isfinite(logs["loss"]):
                raise Diverged(self._step)
            tokens = state.num_input_tokens_seen - self._tokens_before
            self._figures |= {
                "train_loss": logs["loss"],
                "train_mean_token_accuracy": logs["mean_token_accuracy"],
                "learning_rate": logs["learning_rate"],
                "grad_norm": logs["grad_norm"],
                "epoch": logs["epoch"],
                "num_tokens": state.num_input_tokens_seen,
                "tokens_per_second": round(tokens / max(self._seconds, 1e-6), 2),
            }
            self._figures |= {name: logs[name] for name in _REWARDS if name in logs}
        elif "eval_loss" in logs:
            self._figures |= self._validation(logs)

    def _validation(self, logs: dict[str, float]) -> dict[str, float]:
        found = {
            "loss": logs["eval_loss"],
            "mean_token_accuracy": logs["eval_mean_token_accuracy"],
        }
        found |= {name: logs[f"eval_{name}"] for name in _REWARDS if f"eval_{name}" in logs}
        figures = {f"valid_{name}": value for name, value in found.items()}
        if self._trainer.eval_dataset is self._whole_validation:
            figures |= {f"full_valid_{name}": value for name, value in found.items()}
        return figures

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """A checkpoint is written: mark it, and take from older ones what they need no more."""
        self.flush()
        self._group.wait()  # each process writes the state of its own random numbers
        step = state.global_step
        if self._group.is_main_process:
            folder = self._folder.checkpoint(step)
            for place in (folder, folder.parent):
                (place / _PLACEHOLDER_CARD).unlink(missing_ok=True)
            metrics = {key: value for key, value in self._last.items() if _of_checkpoints(key)}
            write_manifest(folder, step, metrics)
            prune(self._folder)
            self._reporter.write(Checkpoint(step=step, metrics=metrics))
        self._group.wait()
        if self.is_through(step) and step < self._plan.total_steps:
            control.should_training_stop = True
            self._reporter.write_message(self._why_early(step))

    def is_through(self, step: int) -> bool:
        """Whether the training ends after a step: it is the last, or patience came to its end."""
        patience = self._plan.early_stopping_patience
        if step >= self._plan.total_steps:
            return True
        return patience is not None and checkpoints_since_best(self._judged(step)) >= patience

    def _judged(self, step: int) -> list[CheckpointManifest]:
        """The checkpoints up to a step."""
        return [mark for mark in marks(self._folder) if mark.step <= step]

    def _why_early(self, step: int) -> str:
        top = best(self._judged(step))
        since = "" if top is None else f"; it was lowest at step {top.step}"
        return (
            f"Stopped early after step {step}: the validation loss has not fallen for "
            f"{self._plan.early_stopping_patience} checkpoints{since}"
        )

    def flush(self) -> None:
        """Report the figures of the step that is complete."""
        if "train_loss" in self._figures:
            # JSON knows no infinity; a norm that overflowed is left out, its step is not.
            figures = {key: one for key, one in self._figures.items() if math.isfinite(one)}
            self._reporter.write(Metrics(step=self._step, data=figures))
            self._last = figures
        self._figures = {}


def _of_checkpoints(name: str) -> bool:
    """Whether a checkpoint carries that figure: those of learning, not those of the machine."""
    return name.startswith(("train_", "valid_", "full_valid_", "rewards/"))
