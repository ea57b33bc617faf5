"""How a job trains here: what "auto" comes to, from the data, the model and the machine."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from tui.domain.submission.training_defaults import AUTO_EPOCHS, AUTO_LENGTH, auto_batch
from tui.engine.jobs.spec import Hyperparameters, MethodName, Schedule
from tui.engine.training.planning.device import Device, Precision

_AUTO_RATES = {
    ("supervised", True): 1e-3,
    ("supervised", False): 5e-5,
    ("dpo", True): 1e-4,
    ("dpo", False): 2e-6,
}
"""Peak learning rates by method and by whether an adapter is trained, for a small model."""
_SMALL = 500_000_000
_LARGE_FACTOR = 0.2
"""Larger models learn at a lower rate."""
_AUTO_BETA = 0.1
_WARMUP_STEPS = 3
_ADAPTER_CHECKPOINTS = 10
_WHOLE_CHECKPOINTS = 5
"""A checkpoint of all the weights takes twelve times their size, so there are fewer."""
_EVALUATIONS = 5


class Adapter(BaseModel):
    """A LoRA adapter."""

    model_config = ConfigDict(frozen=True)

    r: int
    alpha: int
    dropout: float
    target_modules: Literal["all-linear"] | list[str]


class Plan(BaseModel):
    """The settings of one training run; kept in the job's folder, so that resuming changes none."""

    model_config = ConfigDict(frozen=True)

    device: Device
    precision: Precision
    processes: int = 1
    """How many processes share each batch: one a GPU."""
    method: MethodName
    n_epochs: int
    batch_size: int
    """Examples a step before accumulation, over all processes."""
    gradient_accumulation_steps: int
    learning_rate: float
    learning_rate_multiplier: float
    lr_scheduler_type: Schedule
    warmup_steps: int
    weight_decay: float
    max_grad_norm: float
    beta: float | None
    adapter: Adapter | None
    """None where all weights are trained."""
    merge: bool
    max_length: int
    packing: bool
    checkpoint_steps: int
    early_stopping_patience: int | None
    load_best_model_at_end: bool
    total_steps: int

    @property
    def rows_at_once(self) -> int:
        """Examples that one process computes at a time."""
        return self.batch_size // self.processes

    @property
    def checkpoints_gradients(self) -> bool:
        """Whether the forward pass is computed again on the way back, to save memory."""
        return self.device != "cpu"

    @property
    def evaluation_steps(self) -> frozenset[int]:
        """Steps after which the validation file is evaluated, besides those of checkpoints."""
        total = self.total_steps
        return frozenset(math.ceil(total * k / _EVALUATIONS) for k in range(1, _EVALUATIONS + 1))

    def is_checkpoint(self, step: int) -> bool:
        """Whether a checkpoint is written after a step; after the last one it is."""
        return step % self.checkpoint_steps == 0 or step == self.total_steps

    def shown(self) -> dict[str, Any]:
        """The hyperparameters as the job reports them."""
        hidden = {"device", "precision", "processes", "method", "total_steps", "adapter"}
        adapter = self.adapter.model_dump() if self.adapter else {}
        return {
            **self.model_dump(exclude=hidden, exclude_none=True),
            "lora": self.adapter is not None,
            **{f"lora_{name}": value for name, value in adapter.items()},
        }

    def sentence(self) -> str:
        """The line that says how it trains."""
        adapter = self.adapter
        what = f"LoRA r {adapter.r} alpha {adapter.alpha}" if adapter else "all weights"
        how = f"{self.method}, beta {self.beta:g}" if self.beta is not None else self.method
        shared = f", shared by {self.processes} processes" if self.processes > 1 else ""
        return (
            f"Training on {self.device} in {self.precision} ({how}), batch {self.batch_size}"
            f"{shared}, learning rate {self.learning_rate:g}, {self.total_steps} steps in "
            f"{self.n_epochs} epochs, {what}"
        )


@dataclass(frozen=True, slots=True)
class TrainingContext:
    """What "auto" depends on.

    Attributes:
        rows: number of training rows.
        length: tokens of an example that are kept.
        parameters: number of the model's weights.
        device: what it trains on.
        precision: in which precision.
        processes: how many processes share a batch.
    """

    rows: int
    length: int
    parameters: int
    device: Device
    precision: Precision
    processes: int = 1


def max_example_length(asked: Hyperparameters, longest: int | None) -> int:
    """How many tokens of an example are kept.

    Args:
        asked: the hyperparameters of the request.
        longest: number of tokens the model can take; None where it does not say.
    """
    return min(asked.max_length or AUTO_LENGTH, longest or AUTO_LENGTH)


def make_plan(method: MethodName, asked: Hyperparameters, found: TrainingContext) -> Plan:
    """Settle everything that was left open.

    Args:
        method: supervised or dpo.
        asked: the hyperparameters of the request.
        found: the data, the model and the machine.

    Raises:
        ValueError: the batch cannot be shared evenly; the text says so.
    """
    batch = _batch(asked, found)
    epochs = AUTO_EPOCHS if asked.n_epochs == "auto" else asked.n_epochs
    total = epochs * math.ceil(found.rows / (batch * asked.gradient_accumulation_steps))
    usual = _AUTO_RATES[method, asked.lora]
    usual *= 1.0 if found.parameters < _SMALL else _LARGE_FACTOR
    multiplier = asked.learning_rate_multiplier
    rate = asked.learning_rate or usual * (1.0 if multiplier == "auto" else multiplier)
    checkpoints = _ADAPTER_CHECKPOINTS if asked.lora else _WHOLE_CHECKPOINTS
    beta = _AUTO_BETA if asked.beta == "auto" else asked.beta
    return Plan(
        device=found.device,
        precision=found.precision,
        processes=found.processes,
        method=method,
        n_epochs=epochs,
        batch_size=batch,
        gradient_accumulation_steps=asked.gradient_accumulation_steps,
        learning_rate=rate,
        learning_rate_multiplier=round(rate / usual, 6),
        lr_scheduler_type=asked.lr_scheduler_type,
        warmup_steps=_warmup(asked, total),
        weight_decay=asked.weight_decay,
        max_grad_norm=asked.max_grad_norm,
        beta=beta if method == "dpo" else None,
        adapter=_adapter(asked),
        merge=asked.merge,
        max_length=found.length,
        packing=asked.packing,
        checkpoint_steps=asked.checkpoint_steps or max(1, math.ceil(total / checkpoints)),
        early_stopping_patience=asked.early_stopping_patience,
        load_best_model_at_end=asked.result_is_best,
        total_steps=total,
    )


def _batch(asked: Hyperparameters, found: TrainingContext) -> int:
    if asked.batch_size == "auto":
        batch = auto_batch(found.rows, gpu=found.device != "cpu")
        return math.ceil(batch / found.processes) * found.processes
    if asked.batch_size % found.processes:
        raise ValueError(
            f"A batch of {asked.batch_size} examples cannot be shared evenly by "
            f"{found.processes} processes. Use a multiple of {found.processes}, or auto."
        )
    return asked.batch_size


def _adapter(asked: Hyperparameters) -> Adapter | None:
    if not asked.lora:
        return None
    return Adapter(
        r=asked.lora_r,
        alpha=asked.lora_alpha or 2 * asked.lora_r,
        dropout=asked.lora_dropout,
        target_modules=asked.lora_target_modules,
    )


def _warmup(asked: Hyperparameters, total: int) -> int:
    if asked.warmup_ratio is not None:
        return round(asked.warmup_ratio * total)
    steps = _WARMUP_STEPS if asked.warmup_steps is None else asked.warmup_steps
    return min(steps, total // 4)
