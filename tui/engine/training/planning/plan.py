"""The plan of a job: every setting resolved from the request, data, model and machine."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from tui.domain.providers.hyperparameters import AUTO_EPOCHS, AUTO_LENGTH, auto_batch
from tui.engine.jobs.spec import Hyperparameters, MethodName, Schedule
from tui.engine.training.planning.device import Device, Precision

_AUTO_RATES = {
    ("supervised", True): 1e-3,
    ("supervised", False): 5e-5,
    ("dpo", True): 1e-4,
    ("dpo", False): 2e-6,
}
"""Peak learning rates for a small model, by method and whether an adapter is trained."""
_SMALL = 500_000_000
_LARGE_FACTOR = 0.2
"""Larger models are trained at a lower rate."""
_AUTO_BETA = 0.1
_WARMUP_STEPS = 3
_ADAPTER_CHECKPOINTS = 10
_FULL_CHECKPOINTS = 5
"""Checkpoints per job; a full one takes twelve times the weights' size, so fewer."""
_EVALUATIONS = 5


class Adapter(BaseModel):
    """Settings of a LoRA adapter."""

    model_config = ConfigDict(frozen=True)

    r: int
    alpha: int
    dropout: float
    target_modules: Literal["all-linear"] | list[str]


class Plan(BaseModel):
    """The settings of one training run, stored in the job's folder so that resuming keeps them."""

    model_config = ConfigDict(frozen=True)

    device: Device
    precision: Precision
    processes: int = 1
    """Number of processes that share each batch, one per GPU."""
    method: MethodName
    n_epochs: int
    batch_size: int
    """Examples per step before accumulation, over all processes."""
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
    def per_device_batch_size(self) -> int:
        """Examples that one process computes at a time."""
        return self.batch_size // self.processes

    @property
    def checkpoints_gradients(self) -> bool:
        """Whether the backward pass recomputes activations to save memory."""
        return self.device != "cpu"

    @property
    def evaluation_steps(self) -> frozenset[int]:
        """Steps after which the validation file is evaluated, besides the checkpoints."""
        total = self.total_steps
        return frozenset(math.ceil(total * k / _EVALUATIONS) for k in range(1, _EVALUATIONS + 1))

    def is_checkpoint(self, step: int) -> bool:
        """Whether a checkpoint is written after a step; always after the last one."""
        return step % self.checkpoint_steps == 0 or step == self.total_steps

    def hyperparameters(self) -> dict[str, Any]:
        """The hyperparameters, under the names in which they are requested."""
        hidden = {"device", "precision", "processes", "method", "total_steps", "adapter"}
        adapter = self.adapter.model_dump() if self.adapter else {}
        return {
            **self.model_dump(exclude=hidden, exclude_none=True),
            "lora": self.adapter is not None,
            **{f"lora_{name}": value for name, value in adapter.items()},
        }

    def describe(self) -> str:
        """The plan in one line, as reported before training starts."""
        adapter = self.adapter
        weights = f"LoRA r {adapter.r} alpha {adapter.alpha}" if adapter else "all weights"
        method = f"{self.method}, beta {self.beta:g}" if self.beta is not None else self.method
        shared = f", shared by {self.processes} processes" if self.processes > 1 else ""
        return (
            f"Training on {self.device} in {self.precision} ({method}), batch {self.batch_size}"
            f"{shared}, learning rate {self.learning_rate:g}, {self.total_steps} steps in "
            f"{self.n_epochs} epochs, {weights}"
        )


@dataclass(frozen=True, slots=True)
class TrainingContext:
    """What the "auto" settings depend on.

    Attributes:
        rows: number of training rows.
        max_length: maximum number of tokens per example.
        parameters: number of the model's weights.
        device: the device to train on.
        precision: the precision to train in.
        processes: number of processes that share a batch.
    """

    rows: int
    max_length: int
    parameters: int
    device: Device
    precision: Precision
    processes: int = 1


def resolve_max_length(requested: Hyperparameters, context_length: int | None) -> int:
    """The number of tokens to which examples are truncated.

    Args:
        requested: the hyperparameters of the request.
        context_length: tokens that the model can take; None where its config has none.
    """
    return min(requested.max_length or AUTO_LENGTH, context_length or AUTO_LENGTH)


def make_plan(method: MethodName, requested: Hyperparameters, context: TrainingContext) -> Plan:
    """Resolve every setting that the request leaves open.

    Args:
        method: supervised or dpo.
        requested: the hyperparameters of the request.
        context: the data, the model and the machine.

    Raises:
        ValueError: the processes cannot share the batch evenly; the message says so.
    """
    batch = _batch(requested, context)
    epochs = AUTO_EPOCHS if requested.n_epochs == "auto" else requested.n_epochs
    total = epochs * math.ceil(context.rows / (batch * requested.gradient_accumulation_steps))
    default_rate = _AUTO_RATES[method, requested.lora]
    default_rate *= 1.0 if context.parameters < _SMALL else _LARGE_FACTOR
    multiplier = requested.learning_rate_multiplier
    rate = requested.learning_rate or default_rate * (1.0 if multiplier == "auto" else multiplier)
    checkpoints = _ADAPTER_CHECKPOINTS if requested.lora else _FULL_CHECKPOINTS
    beta = _AUTO_BETA if requested.beta == "auto" else requested.beta
    return Plan(
        device=context.device,
        precision=context.precision,
        processes=context.processes,
        method=method,
        n_epochs=epochs,
        batch_size=batch,
        gradient_accumulation_steps=requested.gradient_accumulation_steps,
        learning_rate=rate,
        learning_rate_multiplier=round(rate / default_rate, 6),
        lr_scheduler_type=requested.lr_scheduler_type,
        warmup_steps=_warmup(requested, total),
        weight_decay=requested.weight_decay,
        max_grad_norm=requested.max_grad_norm,
        beta=beta if method == "dpo" else None,
        adapter=_adapter(requested),
        merge=requested.merge,
        max_length=context.max_length,
        packing=requested.packing,
        checkpoint_steps=requested.checkpoint_steps or max(1, math.ceil(total / checkpoints)),
        early_stopping_patience=requested.early_stopping_patience,
        load_best_model_at_end=requested.result_is_best,
        total_steps=total,
    )


def _batch(requested: Hyperparameters, context: TrainingContext) -> int:
    if requested.batch_size == "auto":
        batch = auto_batch(context.rows, gpu=context.device != "cpu")
        return math.ceil(batch / context.processes) * context.processes
    if requested.batch_size % context.processes:
        raise ValueError(
            f"A batch of {requested.batch_size} examples cannot be shared evenly by "
            f"{context.processes} processes. Use a multiple of {context.processes}, or auto."
        )
    return requested.batch_size


def _adapter(requested: Hyperparameters) -> Adapter | None:
    if not requested.lora:
        return None
    return Adapter(
        r=requested.lora_r,
        alpha=requested.lora_alpha or 2 * requested.lora_r,
        dropout=requested.lora_dropout,
        target_modules=requested.lora_target_modules,
    )


def _warmup(requested: Hyperparameters, total: int) -> int:
    if requested.warmup_ratio is not None:
        return round(requested.warmup_ratio * total)
    steps = _WARMUP_STEPS if requested.warmup_steps is None else requested.warmup_steps
    return min(steps, total // 4)
