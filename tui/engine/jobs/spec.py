"""The request of a job: its hyperparameters, and the spec that its worker reads."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from tui.domain.providers.model_names import ModelSource

Auto = Literal["auto"]
Epochs = Annotated[int, Field(ge=1, le=50)]
BatchSize = Annotated[int, Field(ge=1, le=256)]
Multiplier = Annotated[float, Field(gt=0, le=1000)]
Beta = Annotated[float, Field(gt=0, le=2)]
ModuleName = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]{0,127}$")]
ModuleNames = Annotated[list[ModuleName], Field(min_length=1, max_length=64)]

MethodName = Literal["supervised", "dpo"]
Schedule = Literal["linear", "cosine", "constant", "constant_with_warmup"]


class Hyperparameters(BaseModel):
    """The requested hyperparameters: OpenAI's, and more under the names of TRL and PEFT.

    "auto", and None where a parameter has no "auto", are resolved from the data, the model and the
    machine.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    n_epochs: Auto | Epochs = "auto"
    batch_size: Auto | BatchSize = "auto"
    learning_rate_multiplier: Auto | Multiplier = "auto"
    beta: Auto | Beta = "auto"
    """DPO only: how strongly the model is kept close to the reference."""
    learning_rate: float | None = Field(default=None, gt=0, le=1)
    """Peak learning rate; overrides the multiplier."""
    lr_scheduler_type: Schedule = "linear"
    warmup_steps: int | None = Field(default=None, ge=0, le=100_000)
    warmup_ratio: float | None = Field(default=None, ge=0, le=1)
    """Share of all steps; used instead of `warmup_steps`."""
    weight_decay: float = Field(default=0.0, ge=0, le=1)
    max_grad_norm: float = Field(default=1.0, gt=0)
    gradient_accumulation_steps: int = Field(default=1, ge=1, le=1024)
    lora: bool = True
    """False trains all weights."""
    lora_r: int = Field(default=16, ge=1, le=512)
    lora_alpha: int | None = Field(default=None, ge=1, le=2048)
    """Default: twice `lora_r`."""
    lora_dropout: float = Field(default=0.0, ge=0, lt=1)
    lora_target_modules: Literal["all-linear"] | ModuleNames = "all-linear"
    """Names of the model's linear modules, or suffixes of them."""
    merge: bool = False
    """Whether the base model with the adapter merged in is saved too."""
    max_length: int | None = Field(
        default=None,
        ge=8,
        le=131_072,
        validation_alias=AliasChoices("max_length", "context_length"),
    )
    """Tokens to which examples are truncated; default: 2,048, or what the model takes if less."""
    packing: bool = False
    """Whether several examples are packed into one row; GPU only."""
    checkpoint_steps: int | None = Field(default=None, ge=1)
    """Steps between checkpoints; default: about ten checkpoints per job, five of full models."""
    early_stopping_patience: int | None = Field(default=None, ge=1, le=1000)
    """Checkpoints without a lower validation loss after which training stops."""
    load_best_model_at_end: bool | None = None
    """Whether the checkpoint with the lowest validation loss is the result instead of the last one;
    default: only with early stopping."""

    @property
    def result_is_best(self) -> bool:
        """Whether the best checkpoint is the result instead of the last one."""
        if self.load_best_model_at_end is None:
            return self.early_stopping_patience is not None
        return self.load_best_model_at_end


class JobSpec(BaseModel):
    """A job as its worker reads it from `job.json`."""

    model_config = ConfigDict(frozen=True)

    id: str
    model: ModelSource
    method: MethodName = "supervised"
    training_file: str
    """Id of the uploaded file; the worker reads the link in the job's folder."""
    validation_file: str | None
    uploaded: dict[str, str] = {}
    """SHA-256 (hexadecimal) of the uploaded files, by id."""
    hyperparameters: Hyperparameters
    seed: int
    tuned_name: str
