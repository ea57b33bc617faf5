"""The request for a fine-tuning job, and the request read back from an existing job."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, model_validator

from tui.domain.providers.hyperparameters import LONGEST_NAME, Value
from tui.domain.untyped import as_text

Method = Literal["supervised", "dpo"]


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("it contains unprintable characters")
    return value


def _encodable(path: Path) -> Path:
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise ValueError("its name is not UTF-8; rename the file") from error
    return path


File = Annotated[Path, AfterValidator(_encodable)]
Word = Annotated[str, Field(min_length=1, max_length=4096), AfterValidator(_printable)]
Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME), AfterValidator(_printable)]
HyperparameterValue = bool | int | float | Word


class JobRequest(BaseModel):
    """What to train on, which model, and how. None leaves the choice to the server.

    Attributes:
        training_file: a file on this machine.
        training_file_id: instead of it, a file already at the server.
        encoding: codec of its text, if it is to be rewritten in UTF-8.
        validation_file: a file on this machine.
        validation_file_id: instead of it, a file already at the server.
        validation_share: instead of both, the share of the training file that is set aside.
        split_from: the file that the training file was split or rewritten from, if any.
        method: None means the one that fits the rows.
        hyperparameters: further ones, by the server's names.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    training_file: File | None = None
    training_file_id: Word | None = None
    encoding: str | None = None
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
    def _validate_combination(self) -> Self:
        if (self.training_file is None) == (self.training_file_id is None):
            raise ValueError("a job needs one training file")
        validation = (self.validation_file, self.validation_file_id, self.validation_share)
        if sum(source is not None for source in validation) > 1:
            raise ValueError("give a validation file or a share to set aside, not both")
        if self.validation_share is not None and self.training_file is None:
            raise ValueError("only a file on this machine can be split")
        if self.beta is not None and self.method == "supervised":
            raise ValueError("beta applies only to the method dpo")
        return self

    @property
    def training_name(self) -> str:
        """The training file's display name."""
        return self.training_file.name if self.training_file else str(self.training_file_id)

    def is_equivalent_to(self, other: JobRequest) -> bool:
        """Whether both ask for the same job; rewritten files differ each time and are ignored."""
        return self._without_rewritten_files() == other._without_rewritten_files()

    def _without_rewritten_files(self) -> JobRequest:
        if self.split_from is None or self.training_file is None:
            return self
        files = {"training_file": self.training_file, "validation_file": self.validation_file}
        folder = self.training_file.parent
        rewritten = [name for name, path in files.items() if path and path.parent == folder]
        return self.model_copy(update=dict.fromkeys(rewritten))

    def chosen_hyperparameters(self) -> dict[str, Value]:
        """All hyperparameters that were chosen, by their names in the protocol."""
        common = {
            "n_epochs": self.epochs,
            "batch_size": self.batch_size,
            "learning_rate_multiplier": self.learning_rate_multiplier,
            "beta": self.beta,
        }
        return {name: value for name, value in common.items() if value is not None} | (
            self.hyperparameters
        )


_OWN_FIELDS = {
    "n_epochs": "epochs",
    "batch_size": "batch_size",
    "learning_rate_multiplier": "learning_rate_multiplier",
    "beta": "beta",
}


def request_from_job(job: Mapping[str, Any], provider: str) -> JobRequest:
    """Rebuild a request from a job; its files are referred to by their ids at the server.

    Args:
        job: the server's job object.
        provider: the server.

    Raises:
        ValueError: ftui cannot start such a job, for example because of its method.
    """
    method = job.get("method")
    details = method if isinstance(method, Mapping) else {}
    name = as_text(details.get("type")) or "supervised"
    settings = details.get(name)
    own = settings.get("hyperparameters") if isinstance(settings, Mapping) else None
    chosen = {**_chosen(job.get("hyperparameters")), **_chosen(own)}
    if "learning_rate_multiplier" in chosen:
        # The engine reports both; an explicit rate would override any changed multiplier.
        chosen.pop("learning_rate", None)
    fields = {field: chosen.pop(key) for key, field in _OWN_FIELDS.items() if key in chosen}
    if name != "dpo":
        fields.pop("beta", None)
    values = {
        "provider": provider,
        "model": job.get("model"),
        "method": name,
        "training_file_id": job.get("training_file"),
        "validation_file_id": job.get("validation_file") or None,
        "suffix": job.get("suffix") or job.get("user_provided_suffix") or None,
        "seed": job.get("seed"),
        "hyperparameters": chosen,
        **fields,
    }
    return JobRequest.model_validate(values)


def _chosen(hyperparameters: object) -> dict[str, JsonValue]:
    """The hyperparameters with a scalar value other than `auto`."""
    if not isinstance(hyperparameters, Mapping):
        return {}
    return {
        str(name): value
        for name, value in hyperparameters.items()
        if isinstance(value, bool | int | float | str) and value not in ("auto", "")
    }
