"""Names of base models, tuned models and checkpoints."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import PurePath

from pydantic import BaseModel, ConfigDict

DEFAULT_MODEL = "SmolLM2-135M-Instruct"
"""Installed from a Python package, so it needs no model hub."""

HUB_CACHE = "hub"
"""Folder of the model hub's cache, among the base models."""

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")


class SourceKind(StrEnum):
    """Where a base model comes from."""

    PACKAGE = "package"
    HUB = "hub"
    FOLDER = "folder"


class ModelSource(BaseModel):
    """A base model and its source."""

    model_config = ConfigDict(frozen=True)

    kind: SourceKind
    name: str

    @property
    def short_name(self) -> str:
        """The last part of the name, usable in a tuned model's name."""
        return re.sub(r"[^\w.-]+", "-", PurePath(self.name).name) or "model"


def base_model(name: str, *, folders: bool) -> ModelSource | None:
    """Resolve the name of a base model; None if no base model can have it.

    Args:
        name: the default model's name, a hub id (`org/name`), or an absolute folder.
        folders: whether folders on this machine are allowed.
    """
    if name == DEFAULT_MODEL:
        return ModelSource(kind=SourceKind.PACKAGE, name=name)
    if name.startswith("/"):
        return ModelSource(kind=SourceKind.FOLDER, name=name) if folders else None
    if _HUB_ID.fullmatch(name) and ".." not in name:
        return ModelSource(kind=SourceKind.HUB, name=name)
    return None


def is_local(name: str) -> bool:
    """Whether a model of that name can be trained on this machine."""
    return base_model(name, folders=True) is not None


def tuned_name(base: ModelSource, suffix: str | None, unique: str) -> str:
    """The name of a fine-tuned model, as OpenAI forms it: `ft:<base>:<suffix>:<id>`."""
    return f"ft:{base.short_name}:{suffix or 'ftui'}:{unique}"


def checkpoint_name(tuned: str, step: int) -> str:
    """The name of a checkpoint of that model: `<tuned>:ckpt-step-<n>`."""
    return f"{tuned}:ckpt-step-{step}"


def without_checkpoint(name: str) -> tuple[str, int | None]:
    """Split off the step of a checkpoint's name; None for other names."""
    match = re.fullmatch(r"(.+):ckpt-step-(\d{1,9})", name)
    return (match[1], int(match[2])) if match else (name, None)


def shown_name(name: str) -> str:
    """A model's display name, not scrubbed: of a folder only the last part."""
    return PurePath(name).name if name.startswith("/") else name
