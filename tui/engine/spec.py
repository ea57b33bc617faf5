"""What is to be trained: the hyperparameters as asked for, and the job as the worker gets it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from tui.domain.model_names import ModelSource

Auto = Literal["auto"]
Epochs = Annotated[int, Field(ge=1, le=50)]
BatchSize = Annotated[int, Field(ge=1, le=256)]
Multiplier = Annotated[float, Field(gt=0, le=1000)]


class Hyperparameters(BaseModel):
    """Hyperparameters as asked for: OpenAI's three, and the open ones of LoRA training.

    "auto", and None where a parameter has no "auto", are chosen from the data and the machine.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    n_epochs: Auto | Epochs = "auto"
    batch_size: Auto | BatchSize = "auto"
    learning_rate_multiplier: Auto | Multiplier = "auto"
    learning_rate: float | None = Field(default=None, gt=0, le=1)
    """Peak learning rate; overrides the multiplier."""
    lr_scheduler_type: Literal["linear", "cosine", "constant"] = "linear"
    warmup_steps: int = Field(default=3, ge=0, le=100_000)
    weight_decay: float = Field(default=0.0, ge=0, le=1)
    max_grad_norm: float = Field(default=1.0, gt=0)
    gradient_accumulation_steps: int = Field(default=1, ge=1, le=1024)
    lora_r: int = Field(default=16, ge=1, le=512)
    lora_alpha: int | None = Field(default=None, ge=1, le=2048)
    """Twice `lora_r` unless given."""
    lora_dropout: float = Field(default=0.0, ge=0, lt=1)
    max_length: int | None = Field(default=None, ge=8, le=131_072)
    """Tokens of an example that are kept; 2,048 or what the model can take unless given."""
    checkpoint_steps: int | None = Field(default=None, ge=1)
    """Steps from one checkpoint to the next; about ten a job unless given."""


class JobSpec(BaseModel):
    """One job, as its worker reads it from `job.json`."""

    model_config = ConfigDict(frozen=True)

    id: str
    model: ModelSource
    training_file: str
    """Id of the uploaded file; the worker reads the link in the job's own folder."""
    validation_file: str | None
    hyperparameters: Hyperparameters
    seed: int
    tuned_name: str
