"""The trainer's callback: reports every step once, saves checkpoints, obeys the control file."""

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
    prune,
    read_manifests,
    write_manifest,
)
from tui.engine.training.distributed import ProcessGroup
from tui.engine.training.early_stopping import describe_early_stop, should_stop_early
from tui.engine.training.planning.plan import Plan

StopSignal = Callable[[], str | None]
"""Returns `cancel` or `pause` once the run is to stop, else None."""

_VALIDATION_SAMPLE = 200
"""Validation rows evaluated between checkpoints; at a checkpoint all of them are."""
_REWARDS = ("rewards/accuracies", "rewards/margins", "rewards/chosen", "rewards/rejected")
_PLACEHOLDER_CARD = "README.md"


class TrainingCallback(TrainerCallback):  # type: ignore[misc]
    """Reports every step once, follows the plan's schedule, and obeys the control file."""

    def __init__(
        self,
        folder: JobFolder,
        plan: Plan,
        reporter: Reporter,
        stop_signal: StopSignal,
        group: ProcessGroup,
    ) -> None:
        """Set up for one run; `attach` connects it to the trainer.

        Args:
            folder: the job's folder.
            plan: when to evaluate and to save.
            reporter: receives metrics and checkpoints.
            stop_signal: polled after every step.
            group: the processes that train.
        """
        self._folder = folder
        self._plan = plan
        self._reporter = reporter
        self._stop_signal = stop_signal
        self._group = group
        self._step_metrics: dict[str, int | float] = {}
        self._last_metrics: dict[str, int | float] = {}
        self._step = 0
        self._step_began = time.monotonic()
        self._step_seconds = 0.0
        self._tokens_before = 0
        self._trainer: Any = None
        self._full_validation: Any = None
        self._validation_sample: Any = None
        self.stopped: str | None = None

    def attach(self, trainer: Any, seed: int) -> None:
        """Follow this trainer; the seed picks the sample of a large validation file."""
        self._trainer = trainer
        dataset = self._full_validation = self._validation_sample = trainer.eval_dataset
        if dataset is not None and len(dataset) > _VALIDATION_SAMPLE:
            sample = dataset.shuffle(seed=seed).select(range(_VALIDATION_SAMPLE))
            self._validation_sample = sample

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Report the previous step, whose metrics are complete now."""
        self.flush()
        self._step_began = time.monotonic()
        self._tokens_before = state.num_input_tokens_seen

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Decide whether to stop, save or evaluate after this step."""
        self._step_seconds = time.monotonic() - self._step_began
        step = state.global_step
        self.stopped = self._group.broadcast(self._stop_signal())
        if self.stopped is not None:
            control.should_training_stop = True
            control.should_save = self.stopped == "pause"
            return
        control.should_save = self._plan.is_checkpoint(step)
        if self._full_validation is not None:
            control.should_evaluate = control.should_save or step in self._plan.evaluation_steps
            self._trainer.eval_dataset = (
                self._full_validation if control.should_save else self._validation_sample
            )

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Collect the metrics of the step, or of the evaluation that follows it.

        Raises:
            Diverged: the loss is not finite.
        """
        self._step = state.global_step
        if "loss" in logs:
            if not math.isfinite(logs["loss"]):
                raise Diverged(self._step)
            tokens = state.num_input_tokens_seen - self._tokens_before
            self._step_metrics |= {
                "train_loss": logs["loss"],
                "train_mean_token_accuracy": logs["mean_token_accuracy"],
                "learning_rate": logs["learning_rate"],
                "grad_norm": logs["grad_norm"],
                "epoch": logs["epoch"],
                "num_tokens": state.num_input_tokens_seen,
                "tokens_per_second": round(tokens / max(self._step_seconds, 1e-6), 2),
            }
            self._step_metrics |= {name: logs[name] for name in _REWARDS if name in logs}
        elif "eval_loss" in logs:
            self._step_metrics |= self._validation_metrics(logs)

    def _validation_metrics(self, logs: dict[str, float]) -> dict[str, float]:
        values = {
            "loss": logs["eval_loss"],
            "mean_token_accuracy": logs["eval_mean_token_accuracy"],
        }
        values |= {name: logs[f"eval_{name}"] for name in _REWARDS if f"eval_{name}" in logs}
        metrics = {f"valid_{name}": value for name, value in values.items()}
        if self._trainer.eval_dataset is self._full_validation:
            metrics |= {f"full_valid_{name}": value for name, value in values.items()}
        return metrics

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Complete the checkpoint that was just written, and prune older ones."""
        self.flush()
        self._group.wait()  # each process writes its own random number state
        step = state.global_step
        if self._group.is_main_process:
            folder = self._folder.checkpoint(step)
            for parent in (folder, folder.parent):
                (parent / _PLACEHOLDER_CARD).unlink(missing_ok=True)
            metrics = {
                name: value
                for name, value in self._last_metrics.items()
                if _is_checkpoint_metric(name)
            }
            write_manifest(folder, step, metrics)
            prune(self._folder)
            self._reporter.write(Checkpoint(step=step, metrics=metrics))
        self._group.wait()
        if self.is_last(step) and step < self._plan.total_steps:
            control.should_training_stop = True
            patience = self._plan.early_stopping_patience
            self._reporter.write_message(
                describe_early_stop(self._checkpoints_up_to(step), patience)
            )

    def is_last(self, step: int) -> bool:
        """Whether training ends after a step: it is the plan's last one, or stops early."""
        if step >= self._plan.total_steps:
            return True
        patience = self._plan.early_stopping_patience
        return should_stop_early(self._checkpoints_up_to(step), patience)

    def _checkpoints_up_to(self, step: int) -> list[CheckpointManifest]:
        return [
            checkpoint for checkpoint in read_manifests(self._folder) if checkpoint.step <= step
        ]

    def flush(self) -> None:
        """Report the metrics of the step that is complete."""
        if "train_loss" in self._step_metrics:
            # JSON has no infinity: a norm that overflowed is left out, its step is not.
            metrics = {
                name: value for name, value in self._step_metrics.items() if math.isfinite(value)
            }
            self._reporter.write(Metrics(step=self._step, data=metrics))
            self._last_metrics = metrics
        self._step_metrics = {}


def _is_checkpoint_metric(name: str) -> bool:
    """Whether checkpoints carry this metric: those of learning, not those of the machine."""
    return name.startswith(("train_", "valid_", "full_valid_", "rewards/"))
