"""OpenAI's `method` of a job: its hyperparameters, and which of them cannot be combined."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from tui.engine.errors import ApiError
from tui.engine.jobs.spec import Hyperparameters, MethodName


class MethodSettings(BaseModel):
    """Settings of a method."""

    model_config = ConfigDict(extra="forbid")

    hyperparameters: Hyperparameters = Hyperparameters()


class Method(BaseModel):
    """The name of a training method, and its settings under that name."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["supervised", "dpo", "reinforcement"]
    supervised: MethodSettings | None = None
    dpo: MethodSettings | None = None
    reinforcement: Any = None


def resolve_method(
    method: Method | None, deprecated: Hyperparameters | None, *, has_validation: bool
) -> tuple[MethodName, Hyperparameters]:
    """Return the method and its hyperparameters, from either place of the request.

    Args:
        method: the request's method; supervised if there is none.
        deprecated: hyperparameters at the top level of the request, as older clients send them.
        has_validation: whether there is a validation file.

    Raises:
        ApiError: the method is not supported, or hyperparameters conflict.
    """
    name, settings = _name_and_settings(method) if method else ("supervised", None)
    hyperparameters = settings.hyperparameters if settings else deprecated or Hyperparameters()
    for field, message in _conflicts(name, hyperparameters, has_validation=has_validation):
        path = f"method.{name}.hyperparameters" if settings else "hyperparameters"
        raise ApiError(400, message, code="invalid_value", param=f"{path}.{field}")
    return name, hyperparameters


def _name_and_settings(method: Method) -> tuple[MethodName, MethodSettings | None]:
    """Return the method's name and the settings under that name.

    Raises:
        ApiError: the method is not supported, or there are settings of another one.
    """
    if method.type == "reinforcement":
        raise ApiError(
            400,
            "The method 'reinforcement' is not supported; use 'supervised', or 'dpo' with "
            "preference pairs.",
            code="unsupported_method",
            param="method.type",
        )
    for other in ("supervised", "dpo", "reinforcement"):
        if other != method.type and getattr(method, other) is not None:
            raise ApiError(
                400,
                f"The method is {method.type!r}, but the request has settings for {other!r}.",
                code="invalid_value",
                param=f"method.{other}",
            )
    return method.type, method.dpo if method.type == "dpo" else method.supervised


def _conflicts(
    method: MethodName, hyperparameters: Hyperparameters, *, has_validation: bool
) -> Iterator[tuple[str, str]]:
    """Yield each hyperparameter that conflicts with the others, and why."""
    values = hyperparameters.model_dump(exclude_defaults=True)
    if method == "supervised" and "beta" in values:
        yield "beta", "The hyperparameter beta applies only to the method 'dpo'."
    if method == "dpo" and hyperparameters.packing:
        yield "packing", "Preference pairs cannot be packed; remove packing."
    if "warmup_steps" in values and "warmup_ratio" in values:
        yield "warmup_ratio", "Set warmup_steps or warmup_ratio, not both."
    if not hyperparameters.lora:
        for name in values:
            if name.startswith("lora_") or name == "merge":
                yield name, f"The hyperparameter {name} has no effect with lora: false."
    if not has_validation:
        for name in ("early_stopping_patience", "load_best_model_at_end"):
            if values.get(name):
                yield name, f"{name} requires a validation_file."
