"""How to train, as a request says it: OpenAI's `method`, and what of it cannot be done together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from tui.engine.errors import ApiError
from tui.engine.jobs.spec import Hyperparameters, MethodName


class MethodSettings(BaseModel):
    """Settings of one method."""

    model_config = ConfigDict(extra="forbid")

    hyperparameters: Hyperparameters = Hyperparameters()


class Method(BaseModel):
    """How to train: the name of a method, and its settings under that name."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["supervised", "dpo", "reinforcement"]
    supervised: MethodSettings | None = None
    dpo: MethodSettings | None = None
    reinforcement: Any = None


def settle(
    method: Method | None, deprecated: Hyperparameters | None, *, validates: bool
) -> tuple[MethodName, Hyperparameters]:
    """The method and its hyperparameters, wherever they were given.

    Args:
        method: the request's method; supervised where there is none.
        deprecated: hyperparameters at the top of the request, as older clients send them.
        validates: whether there is a validation file.

    Raises:
        ApiError: the method is not known here, or something asked for does not go with the rest.
    """
    name, settings = _chosen(method) if method else ("supervised", None)
    asked = settings.hyperparameters if settings else deprecated or Hyperparameters()
    for field, why in _conflicts(name, asked, validates=validates):
        place = f"method.{name}.hyperparameters" if settings else "hyperparameters"
        raise ApiError(400, why, code="invalid_value", param=f"{place}.{field}")
    return name, asked


def _chosen(method: Method) -> tuple[MethodName, MethodSettings | None]:
    """The method's name and the settings under that name.

    Raises:
        ApiError: it is one that this engine does not have, or settings of another one are given.
    """
    if method.type == "reinforcement":
        raise ApiError(
            400,
            "This engine does not train with the method 'reinforcement'; use 'supervised', or "
            "'dpo' with pairs of answers.",
            code="unsupported_method",
            param="method.type",
        )
    for other in ("supervised", "dpo", "reinforcement"):
        if other != method.type and getattr(method, other) is not None:
            raise ApiError(
                400,
                f"The method is {method.type!r}, but settings of {other!r} are given.",
                code="invalid_value",
                param=f"method.{other}",
            )
    return method.type, method.dpo if method.type == "dpo" else method.supervised


def _conflicts(
    method: MethodName, asked: Hyperparameters, *, validates: bool
) -> Iterator[tuple[str, str]]:
    """Each hyperparameter that does not go with the rest, and why not."""
    given = asked.model_dump(exclude_defaults=True)
    if method == "supervised" and "beta" in given:
        yield "beta", "The hyperparameter beta belongs to the method 'dpo'."
    if method == "dpo" and asked.packing:
        yield "packing", "Pairs of answers cannot be packed; leave packing out."
    if "warmup_steps" in given and "warmup_ratio" in given:
        yield "warmup_ratio", "Give warmup_steps or warmup_ratio, not both."
    if not asked.lora:
        for name in given:
            if name.startswith("lora_") or name == "merge":
                yield name, f"The hyperparameter {name} means nothing with lora: false."
    if not validates:
        for name in ("early_stopping_patience", "load_best_model_at_end"):
            if given.get(name):
                yield name, f"{name} needs a validation_file to judge the checkpoints by."
