"""A job to be: what a person asks a server to train, and what an earlier job asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, model_validator

from tui.domain.providers.hyperparameters import LONGEST_NAME, Value
from tui.domain.untyped import text

Method = Literal["supervised", "dpo"]


def _printable(given: str) -> str:
    if not given.isprintable():
        raise ValueError("it holds characters that cannot be printed")
    return given


def _named(path: Path) -> Path:
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise ValueError("its name is not UTF-8; rename the file") from error
    return path


File = Annotated[Path, AfterValidator(_named)]
Word = Annotated[str, Field(min_length=1, max_length=4096), AfterValidator(_printable)]
Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME), AfterValidator(_printable)]
HyperparameterValue = bool | int | float | Word


class JobRequest(BaseModel):
    """A job to be: what to train on, which model, and how. None leaves the choice to the server.

    Attributes:
        training_file: a file of this machine.
        training_file_id: instead of it, one that the server has already.
        validation_file: a file of this machine.
        validation_file_id: instead of it, one that the server has already.
        validation_share: instead of both, the part of the training file that is set aside.
        split_from: the file that the training file was split from, where it was.
        method: what the rows are for, where it is None.
        hyperparameters: further ones, by the server's names.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    training_file: File | None = None
    training_file_id: Word | None = None
    model: Word
    provider: str
    validation_file: File | None = None
    validation_file_id: Word | None = None
    validation_share: float | None = Field(default=None, gt=0, lt=1)
    split_from: File | None = None
    method: Method | None = None
    epochs: int | None = Field(default=None, ge=1, le=50)
    batch_size: int | None = Field(default=None, ge=1, le=256)
    learning_rate_multiplier: float | None = Field(default=None, gt=0)
    beta: float | None = Field(default=None, gt=0)
    hyperparameters: dict[Name, HyperparameterValue] = {}
    suffix: str | None = Field(default=None, min_length=1, max_length=64)
    seed: int | None = Field(default=None, ge=0, le=2**31 - 1)

    @model_validator(mode="after")
    def _names_each_file_once(self) -> Self:
        if (self.training_file is None) == (self.training_file_id is None):
            raise ValueError("a job needs one training file")
        given = (self.validation_file, self.validation_file_id, self.validation_share)
        if sum(one is not None for one in given) > 1:
            raise ValueError("give a validation file or a share that is set aside, not both")
        if self.validation_share is not None and self.training_file is None:
            raise ValueError("only a file of this machine can be split")
        if self.beta is not None and self.method == "supervised":
            raise ValueError("beta belongs to the method dpo")
        return self

    @property
    def training_name(self) -> str:
        """What a person calls the training file."""
        return self.training_file.name if self.training_file else str(self.training_file_id)

    def means_the_same(self, other: JobRequest) -> bool:
        """Whether who asks for the other wants this one; each split has files of its own."""
        return self._as_wished() == other._as_wished()

    def _as_wished(self) -> JobRequest:
        if self.split_from is None:
            return self
        return self.model_copy(update={"training_file": None, "validation_file": None})

    def asked_hyperparameters(self) -> dict[str, Value]:
        """All that were chosen, by the names of the protocol."""
        own = {
            "n_epochs": self.epochs,
            "batch_size": self.batch_size,
            "learning_rate_multiplier": self.learning_rate_multiplier,
            "beta": self.beta,
        }
        return {name: value for name, value in own.items() if value is not None} | (
            self.hyperparameters
        )


_OWN_FIELDS = {
    "n_epochs": "epochs",
    "batch_size": "batch_size",
    "learning_rate_multiplier": "learning_rate_multiplier",
    "beta": "beta",
}


def request_of_job(job: Mapping[str, Any], provider: str) -> JobRequest:
    """What a job asked for, as far as its server tells it; its files are those at the server.

    Args:
        job: the server's job object.
        provider: whose it is.

    Raises:
        ValueError: it is no job that could be asked for here, such as one of another method.
    """
    method = job.get("method")
    told = method if isinstance(method, Mapping) else {}
    name = text(told.get("type")) or "supervised"
    settings = told.get(name)
    given = settings.get("hyperparameters") if isinstance(settings, Mapping) else None
    chosen = {**_chosen(job.get("hyperparameters")), **_chosen(given)}
    if "learning_rate_multiplier" in chosen:
        # The engine tells both; the rate itself would make every other multiplier meaningless.
        chosen.pop("learning_rate", None)
    own = {field: chosen.pop(one) for one, field in _OWN_FIELDS.items() if one in chosen}
    if name != "dpo":
        own.pop("beta", None)
    values = {
        "provider": provider,
        "model": job.get("model"),
        "method": name,
        "training_file_id": job.get("training_file"),
        "validation_file_id": job.get("validation_file") or None,
        "suffix": job.get("suffix") or job.get("user_provided_suffix") or None,
        "seed": job.get("seed"),
        "hyperparameters": chosen,
        **own,
    }
    return JobRequest.model_validate(values)


def _chosen(given: object) -> dict[str, JsonValue]:
    """The hyperparameters that have a value of one word or number; `auto` is none."""
    if not isinstance(given, Mapping):
        return {}
    return {
        str(name): value
        for name, value in given.items()
        if isinstance(value, bool | int | float | str) and value not in ("auto", "")
    }
