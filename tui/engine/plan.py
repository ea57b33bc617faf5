"""How a job trains here: what "auto" comes to, from the data, the model and the machine."""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from tui.domain.training_defaults import AUTO_EPOCHS, AUTO_LENGTH, auto_batch
from tui.engine.device import Kind, Precision
from tui.engine.spec import Hyperparameters

BASE_LEARNING_RATE = 1e-3
"""For LoRA; measured in the facts of this project. The multiplier scales it."""
_CHECKPOINTS = 10
_EVALUATIONS = 5


class Plan(BaseModel):
    """The settings of one training run; kept in the job's folder, so that resuming changes none."""

    model_config = ConfigDict(frozen=True)

    device: Kind
    precision: Precision
    n_epochs: int
    batch_size: int
    gradient_accumulation_steps: int
    learning_rate: float
    learning_rate_multiplier: float
    lr_scheduler_type: Literal["linear", "cosine", "constant"]
    warmup_steps: int
    weight_decay: float
    max_grad_norm: float
    lora_r: int
    lora_alpha: int
    lora_dropout: float
    max_length: int
    checkpoint_steps: int
    total_steps: int

    @property
    def evaluation_steps(self) -> frozenset[int]:
        """The steps after which the validation file is evaluated; the last is one of them."""
        total = self.total_steps
        return frozenset(math.ceil(total * k / _EVALUATIONS) for k in range(1, _EVALUATIONS + 1))

    def is_checkpoint(self, step: int) -> bool:
        """Whether a checkpoint is written after a step; after the last one it is."""
        return step % self.checkpoint_steps == 0 or step == self.total_steps

    def shown(self) -> dict[str, Any]:
        """The hyperparameters as the job reports them."""
        return self.model_dump(exclude={"device", "precision", "total_steps"})

    def sentence(self) -> str:
        """The line that says how it trains."""
        return (
            f"Training on {self.device} in {self.precision}, batch {self.batch_size}, "
            f"learning rate {self.learning_rate:g}, {self.total_steps} steps in "
            f"{self.n_epochs} epochs, LoRA r {self.lora_r} alpha {self.lora_alpha}"
        )


def kept_length(asked: Hyperparameters, longest: int | None) -> int:
    """How many tokens of an example are kept.

    Args:
        asked: the hyperparameters of the request.
        longest: number of tokens the model can take; None where it does not say.
    """
    return min(asked.max_length or AUTO_LENGTH, longest or AUTO_LENGTH)


def make_plan(
    asked: Hyperparameters, *, rows: int, length: int, device: Kind, precision: Precision
) -> Plan:
    """Settle everything that was left open.

    Args:
        asked: the hyperparameters of the request.
        rows: number of training rows.
        length: tokens of an example that are kept.
        device: what it trains on.
        precision: in which precision.
    """
    batch = (
        auto_batch(rows, gpu=device != "cpu") if asked.batch_size == "auto" else asked.batch_size
    )
    epochs = AUTO_EPOCHS if asked.n_epochs == "auto" else asked.n_epochs
    total = epochs * math.ceil(rows / (batch * asked.gradient_accumulation_steps))
    multiplier = asked.learning_rate_multiplier
    rate = asked.learning_rate or BASE_LEARNING_RATE * (1.0 if multiplier == "auto" else multiplier)
    return Plan(
        device=device,
        precision=precision,
        n_epochs=epochs,
        batch_size=batch,
        gradient_accumulation_steps=asked.gradient_accumulation_steps,
        learning_rate=rate,
        learning_rate_multiplier=round(rate / BASE_LEARNING_RATE, 6),
        lr_scheduler_type=asked.lr_scheduler_type,
        warmup_steps=min(asked.warmup_steps, total // 4),
        weight_decay=asked.weight_decay,
        max_grad_norm=asked.max_grad_norm,
        lora_r=asked.lora_r,
        lora_alpha=asked.lora_alpha or 2 * asked.lora_r,
        lora_dropout=asked.lora_dropout,
        max_length=length,
        checkpoint_steps=asked.checkpoint_steps or max(1, math.ceil(total / _CHECKPOINTS)),
        total_steps=total,
    )
