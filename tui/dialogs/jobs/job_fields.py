"""The fields of the form for a new job, and the request made from their values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from tui.domain.providers.hyperparameter_parsing import format_pairs, parse_pairs, split_pairs
from tui.domain.providers.kinds import ServerKind
from tui.domain.submission.job_request import JobRequest
from tui.domain.text import preview
from tui.domain.validation import first_error
from tui.services.workspace.files import typed_path

AUTO: Final = "auto"


@dataclass(frozen=True, slots=True)
class JobField:
    """A field of the form.

    Attributes:
        title: its label.
        about: what it does.
        hint: placeholder while it is empty.
    """

    title: str
    about: str
    hint: str = AUTO


FIELDS: Final[Mapping[str, JobField]] = {
    "training_file": JobField(
        "Training file",
        "Conversations, or preference pairs for dpo, one JSON object per line. The Data screen (2) "
        "opens, checks and repairs such a file.",
        "a file on this machine",
    ),
    "validation_file": JobField(
        "Validation",
        "A file, or a share such as 10% set aside from the training file. It shows when the model "
        "starts to overfit.",
        "optional: a file, or a share such as 10%",
    ),
    "model": JobField(
        "Base model", "The model to fine-tune.", "a name, a hub id (org/name) or a folder"
    ),
    "provider": JobField("Provider", "The server that trains; local is this machine."),
    "method": JobField(
        "Method",
        "supervised learns from example answers; dpo learns to prefer one of two answers. auto: "
        "chosen by the rows.",
    ),
    "epochs": JobField(
        "Epochs",
        "Passes over the training file, 1 to 50. More epochs learn more, but may overfit. auto: 3 "
        "on this machine; elsewhere the server chooses.",
    ),
    "batch_size": JobField(
        "Batch size",
        "Examples per step, 1 to 256. Larger batches train more smoothly and take more memory. "
        "auto: chosen by the number of rows.",
    ),
    "learning_rate_multiplier": JobField(
        "Learning rate ×",
        "Multiplies the default learning rate: 0.5 learns more slowly, 2 faster. auto: 1 on this "
        "machine.",
    ),
    "beta": JobField(
        "Beta",
        "For dpo: how close the model stays to its base; higher values change it less. auto: 0.1 "
        "on this machine.",
    ),
    "lora": JobField(
        "LoRA",
        "yes trains a small adapter, which is faster and takes less memory; no trains all weights. "
        "auto: yes.",
    ),
    "lora_r": JobField(
        "LoRA rank",
        "Rank of the adapter: a higher one learns more and takes more memory. auto: 16 on this "
        "machine.",
    ),
    "more": JobField(
        "More", "Further hyperparameters of the server, as name=value.", "name=value name=value"
    ),
    "suffix": JobField("Suffix", "Part of the tuned model's name, to recognise it by.", "optional"),
    "seed": JobField(
        "Seed", "A whole number that makes the run and its split reproducible. auto: random."
    ),
}
TYPED: Final = tuple(name for name in FIELDS if name not in ("provider", "method", "lora"))
"""Text fields; the others are choices."""

_FIELD_OF: Final = {
    "training_file_id": "training_file",
    "validation_file_id": "validation_file",
    "validation_share": "validation_file",
    "hyperparameters": "more",
}
_NUMBERS: Final = ("epochs", "batch_size", "learning_rate_multiplier", "beta", "seed")
_WHOLE: Final = ("epochs", "batch_size", "seed")
_MAX_DIGITS: Final = 30


class FieldError(ValueError):
    """An invalid value; the message is a sentence that names its field."""


def form_values(request: JobRequest) -> dict[str, str]:
    """The values of the fields for a request."""
    share = request.validation_share
    validation = request.validation_file or request.validation_file_id
    others = dict(request.hyperparameters)
    lora, rank = others.pop("lora", None), others.pop("lora_r", None)
    values = {
        "training_file": request.training_file or request.training_file_id,
        "validation_file": validation if share is None else f"{share * 100:g}%",
        "model": request.model,
        "provider": request.provider,
        "method": request.method,
        "lora": None if lora is None else ("yes" if lora else "no"),
        "lora_r": rank,
        "more": format_pairs(others),
        "suffix": request.suffix,
        **{name: getattr(request, name) for name in _NUMBERS},
    }
    return {name: str(value) for name, value in values.items() if value not in (None, "")}


def read_request(
    values: Mapping[str, str], server: ServerKind, earlier: JobRequest | None = None
) -> JobRequest:
    """Build a request from the values of the fields; empty and `auto` values are left out.

    Args:
        values: by name of the field.
        server: the kind of the provider's server.
        earlier: the request that the form started from; its files may be at the server.

    Raises:
        FieldError: a value is missing or invalid.
    """
    values = {name: value for name, value in values.items() if value not in ("", AUTO)}
    if "training_file" not in values:
        raise FieldError(
            "Enter a training file; the Data screen (2) opens, checks and repairs one."
        )
    if "model" not in values:
        raise FieldError("Enter a base model.")
    if "suffix" in values and (blocker := server.suffix_blocker(values["suffix"])):
        raise FieldError(f"Suffix: {blocker}")
    request: dict[str, Any] = {
        "provider": values.get("provider", ""),
        "model": values["model"],
        "suffix": values.get("suffix"),
        "method": values.get("method"),
        "hyperparameters": _hyperparameters(values, server),
        **_file("training_file", values["training_file"], values, earlier),
        **(_validation(values, earlier) if "validation_file" in values else {}),
        **{name: _number(name, values[name]) for name in _NUMBERS if name in values},
    }
    try:
        return JobRequest.model_validate(request)
    except ValidationError as error:
        raise FieldError(first_error(error, _field_title)) from error


def local_files(
    values: Mapping[str, str], earlier: JobRequest | None = None
) -> tuple[Path | None, Path | None]:
    """The training and validation files on this machine, if the values name any.

    Raises:
        FieldError: a path is invalid.
    """
    values = {name: value for name, value in values.items() if value not in ("", AUTO)}
    files: dict[str, Any] = {}
    if "training_file" in values:
        files |= _file("training_file", values["training_file"], values, earlier)
    if "validation_file" in values:
        files |= _validation(values, earlier)
    return files.get("training_file"), files.get("validation_file")


def _hyperparameters(values: Mapping[str, str], server: ServerKind) -> dict[str, Any]:
    pairs = split_pairs(values.get("more", ""))
    pairs += [f"{name}={values[name]}" for name in ("lora", "lora_r") if name in values]
    try:
        return parse_pairs(pairs, server)
    except ValueError as error:
        raise FieldError(f"More: {error}") from error


def _file(
    name: str, typed: str, values: Mapping[str, str], earlier: JobRequest | None
) -> dict[str, Any]:
    """A file on this machine, or the file of an earlier job at its server."""
    if "\0" in typed:
        raise FieldError(f"{FIELDS[name].title}: a path cannot contain NUL.")
    at_server = earlier and getattr(earlier, f"{name}_id")
    if not at_server or typed != at_server:
        return {name: typed_path(typed)}
    if earlier and values.get("provider") != earlier.provider:
        raise FieldError(
            f"{FIELDS[name].title}: {preview(typed, 40)} is a file at {earlier.provider}; for "
            "another provider, enter a file on this machine."
        )
    return {f"{name}_id": typed}


def _validation(values: Mapping[str, str], earlier: JobRequest | None) -> dict[str, Any]:
    typed = values["validation_file"]
    share = _share(typed)
    if share is None:
        return _file("validation_file", typed, values, earlier)
    if not 0 < share < 1:
        raise FieldError(f"Validation: {preview(typed, 20)} is not a share of the rows; try 10%.")
    return {"validation_share": share}


def _share(typed: str) -> float | None:
    """Parse a share, `10%` or `0.1`; None if it is a path."""
    try:
        share = float(typed.removesuffix("%"))
    except ValueError:
        return None
    return share / 100 if typed.endswith("%") else share


def _number(name: str, typed: str) -> float:
    title = FIELDS[name].title
    kind = "whole number" if name in _WHOLE else "number"
    try:
        if len(typed) > _MAX_DIGITS:
            raise ValueError
        return int(typed) if name in _WHOLE else float(typed)
    except ValueError:
        raise FieldError(f"{title}: {preview(typed, 30)} is not a {kind}.") from None


def _field_title(path: str) -> str:
    """The title of the form's field that sets a key of the request."""
    key = path.split(".")[0]
    return FIELDS[_FIELD_OF.get(key, key)].title
