"""What is to be trained: the hyperparameters as asked for, and the job as the worker gets it."""

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
    """Hyperparameters as asked for: OpenAI's, and the open ones under the names of the libraries.

    "auto", and None where a parameter has no "auto", are chosen from the data, the model and the
    machine.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    n_epochs: Auto | Epochs = "auto"
    batch_size: Auto | BatchSize = "auto"
    learning_rate_multiplier: Auto | Multiplier = "auto"
    beta: Auto | Beta = "auto"
    """Of dpo alone: how strongly the model is held to what it was."""
    learning_rate: float | None = Field(default=None, gt=0, le=1)
    """Peak learning rate; overrides the multiplier."""
    lr_scheduler_type: Schedule = "linear"
    warmup_steps: int | None = Field(default=None, ge=0, le=100_000)
    warmup_ratio: float | None = Field(default=None, ge=0, le=1)
    """Share of all steps; instead of `warmup_steps`."""
    weight_decay: float = Field(default=0.0, ge=0, le=1)
    max_grad_norm: float = Field(default=1.0, gt=0)
    gradient_accumulation_steps: int = Field(default=1, ge=1, le=1024)
    lora: bool = True
    """False trains all the weights."""
    lora_r: int = Field(default=16, ge=1, le=512)
    lora_alpha: int | None = Field(default=None, ge=1, le=2048)
    """Twice `lora_r` unless given."""
    lora_dropout: float = Field(default=0.0, ge=0, lt=1)
    lora_target_modules: Literal["all-linear"] | ModuleNames = "all-linear"
    """Names of the model's linear modules, or ends of them."""
    merge: bool = False
    """Whether the base model with the adapter in its weights is written too."""
    max_length: int | None = Field(
        default=None,
        ge=8,
        le=131_072,
        validation_alias=AliasChoices("max_length", "context_length"),
    )
    """Tokens of an example that are kept; 2,048 or what the model can take unless given."""
    packing: bool = False
    """Several examples in one row of a batch; on a GPU alone."""
    checkpoint_steps: int | None = Field(default=None, ge=1)
    """Steps from one checkpoint to the next; about ten a job unless given, five of whole models."""
    early_stopping_patience: int | None = Field(default=None, ge=1, le=1000)
    """Checkpoints without a lower validation loss after which the training ends."""
    load_best_model_at_end: bool | None = None
    """Whether the checkpoint with the lowest validation loss is the result, and not the last step;
    what early stopping does unless told otherwise."""

    @property
    def result_is_best(self) -> bool:
        """Whether the best checkpoint is the result, and not the last step."""
        if self.load_best_model_at_end is None:
            return self.early_stopping_patience is not None
        return self.load_best_model_at_end


class JobSpec(BaseModel):
    """One job, as its worker reads it from `job.json`."""

    model_config = ConfigDict(frozen=True)

    id: str
    model: ModelSource
    method: MethodName = "supervised"
    training_file: str
    """Id of the uploaded file; the worker reads the link in the job's own folder."""
    validation_file: str | None
    uploaded: dict[str, str] = {}
    """SHA-256 (hexadecimal) of each of the files as it was uploaded, by id."""
    hyperparameters: Hyperparameters
    seed: int
    tuned_name: str
