"""The fields of the form for a new job: what each is, and the request that their values make."""

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
        about: what it does, in plain words.
        hint: what stands in it while it is empty.
    """

    title: str
    about: str
    hint: str = AUTO


FIELDS: Final[Mapping[str, JobField]] = {
    "training_file": JobField(
        "Training file",
        "Conversations, or pairs of answers for dpo, one JSON object a line. The Data screen (2) "
        "opens, checks and repairs such a file.",
        "a file of this machine",
    ),
    "validation_file": JobField(
        "Validation",
        "A file, or a share such as 10% that is set aside from the training file. It shows when "
        "learning turns into memorising.",
        "optional: a file, or a share such as 10%",
    ),
    "model": JobField(
        "Base model", "The model that learns.", "a name, a hub id (org/name) or a folder"
    ),
    "provider": JobField("Provider", "The server that trains; local is this machine."),
    "method": JobField(
        "Method",
        "supervised learns to answer as the examples do; dpo learns to prefer one of two answers. "
        "auto is what the rows are for.",
    ),
    "epochs": JobField(
        "Epochs",
        "How often the whole file is gone through, 1 to 50. More learns more, and more by heart. "
        "auto: 3 on this machine, elsewhere the server chooses.",
    ),
    "batch_size": JobField(
        "Batch size",
        "Examples that make up one step, 1 to 256. Larger batches learn more steadily and take "
        "more memory. auto: by the number of rows.",
    ),
    "learning_rate_multiplier": JobField(
        "Learning rate ×",
        "How far each step goes, as a multiple of the usual rate: 0.5 learns more carefully, 2 "
        "faster. auto: 1 on this machine.",
    ),
    "beta": JobField(
        "Beta",
        "For dpo: how strongly the model is held to what it was; higher changes it less. auto: "
        "0.1 on this machine.",
    ),
    "lora": JobField(
        "LoRA",
        "yes trains a small adapter beside the model: quick and small. no trains all the weights. "
        "auto: yes.",
    ),
    "lora_r": JobField(
        "LoRA rank",
        "Size of the adapter: a higher rank learns more and takes more memory. auto: 16 on this "
        "machine.",
    ),
    "more": JobField(
        "More", "Further hyperparameters of the server, as name=value.", "name=value name=value"
    ),
    "suffix": JobField(
        "Suffix", "A part of the tuned model's name, by which you find it again.", "optional"
    ),
    "seed": JobField(
        "Seed", "A whole number makes the run, and a split, repeatable. auto: chosen by chance."
    ),
}
TYPED: Final = tuple(name for name in FIELDS if name not in ("provider", "method", "lora"))
"""Fields that are typed; the others are chosen."""

_FIELD_OF: Final = {
    "training_file_id": "training_file",
    "validation_file_id": "validation_file",
    "validation_share": "validation_file",
    "hyperparameters": "more",
}
_NUMBERS: Final = ("epochs", "batch_size", "learning_rate_multiplier", "beta", "seed")
_WHOLE: Final = ("epochs", "batch_size", "seed")
_MOST_DIGITS: Final = 30


class FieldError(ValueError):
    """A value cannot be used: a sentence that names its field."""


def form_values(request: JobRequest) -> dict[str, str]:
    """What stands in the fields for a request."""
    share = request.validation_share
    validation = request.validation_file or request.validation_file_id
    further = dict(request.hyperparameters)
    lora, rank = further.pop("lora", None), further.pop("lora_r", None)
    values = {
        "training_file": request.training_file or request.training_file_id,
        "validation_file": validation if share is None else f"{share * 100:g}%",
        "model": request.model,
        "provider": request.provider,
        "method": request.method,
        "lora": None if lora is None else ("yes" if lora else "no"),
        "lora_r": rank,
        "more": format_pairs(further),
        "suffix": request.suffix,
        **{name: getattr(request, name) for name in _NUMBERS},
    }
    return {name: str(value) for name, value in values.items() if value not in (None, "")}


def read_request(
    values: Mapping[str, str], server: ServerKind, earlier: JobRequest | None = None
) -> JobRequest:
    """The request that the values of the fields make; what is empty or `auto` is left out.

    Args:
        values: by name of the field.
        server: the kind of the provider's server.
        earlier: the request that the form began with, whose files may be at the server.

    Raises:
        FieldError: there is none; the text says what is missing or wrong.
    """
    given = {name: value for name, value in values.items() if value not in ("", AUTO)}
    if "training_file" not in given:
        raise FieldError("Give a training file; the Data screen (2) opens, checks and repairs one.")
    if "model" not in given:
        raise FieldError("Give a base model.")
    if "suffix" in given and (reason := server.suffix_blocker(given["suffix"])):
        raise FieldError(f"Suffix: {reason}")
    wanted: dict[str, Any] = {
        "provider": given.get("provider", ""),
        "model": given["model"],
        "suffix": given.get("suffix"),
        "method": given.get("method"),
        "hyperparameters": _further(given, server),
        **_file("training_file", given["training_file"], given, earlier),
        **(_validation(given, earlier) if "validation_file" in given else {}),
        **{name: _number(name, given[name]) for name in _NUMBERS if name in given},
    }
    try:
        return JobRequest.model_validate(wanted)
    except ValidationError as error:
        raise FieldError(first_error(error, _field_title)) from error


def local_files(
    values: Mapping[str, str], earlier: JobRequest | None = None
) -> tuple[Path | None, Path | None]:
    """The training and the validation file of this machine that the values name, if any.

    Raises:
        FieldError: what is typed names none; the text says why.
    """
    given = {name: value for name, value in values.items() if value not in ("", AUTO)}
    found: dict[str, Any] = {}
    if "training_file" in given:
        found |= _file("training_file", given["training_file"], given, earlier)
    if "validation_file" in given:
        found |= _validation(given, earlier)
    return found.get("training_file"), found.get("validation_file")


def _further(given: Mapping[str, str], server: ServerKind) -> dict[str, Any]:
    pairs = split_pairs(given.get("more", ""))
    pairs += [f"{name}={given[name]}" for name in ("lora", "lora_r") if name in given]
    try:
        return parse_pairs(pairs, server)
    except ValueError as error:
        raise FieldError(f"More: {error}") from error


def _file(
    name: str, typed: str, given: Mapping[str, str], earlier: JobRequest | None
) -> dict[str, Any]:
    """A file of this machine, or the one of an earlier job that its server has."""
    if "\0" in typed:
        raise FieldError(f"{FIELDS[name].title}: a path cannot hold the character NUL.")
    at_server = earlier and getattr(earlier, f"{name}_id")
    if not at_server or typed != at_server:
        return {name: typed_path(typed)}
    if earlier and given.get("provider") != earlier.provider:
        raise FieldError(
            f"{FIELDS[name].title}: {preview(typed, 40)} is a file at {earlier.provider}; for "
            "another provider give a file of this machine."
        )
    return {f"{name}_id": typed}


def _validation(given: Mapping[str, str], earlier: JobRequest | None) -> dict[str, Any]:
    typed = given["validation_file"]
    share = _share(typed)
    if share is None:
        return _file("validation_file", typed, given, earlier)
    if not 0 < share < 1:
        raise FieldError(f"Validation: {preview(typed, 20)} is no part of the rows; give 10%.")
    return {"validation_share": share}


def _share(typed: str) -> float | None:
    """A share as a person types it, `10%` or `0.1`; None for what is a file's name."""
    try:
        figure = float(typed.removesuffix("%"))
    except ValueError:
        return None
    return figure / 100 if typed.endswith("%") else figure


def _number(name: str, typed: str) -> float:
    title = FIELDS[name].title
    kind = "whole number" if name in _WHOLE else "number"
    try:
        if len(typed) > _MOST_DIGITS:
            raise ValueError
        return int(typed) if name in _WHOLE else float(typed)
    except ValueError:
        raise FieldError(f"{title}: {preview(typed, 30)} is not a {kind}.") from None


def _field_title(path: str) -> str:
    """The title of the form's field that sets a key of the request."""
    key = path.split(".")[0]
    return FIELDS[_FIELD_OF.get(key, key)].title
