"""Parses graders from requests; those that this engine cannot run are refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeVar

from openai.types.graders import StringCheckGrader, TextSimilarityGrader
from pydantic import BaseModel, ConfigDict, ValidationError

from tui.domain.evaluation.text_similarity import METRICS
from tui.engine.errors import ApiError, invalid_parameter
from tui.engine.graders.formula import Formula, FormulaError, read_formula
from tui.engine.graders.placeholders import MAX_CHARACTERS, PlaceholderError, check_placeholders

Grade = Callable[[str, str], float]
Kind = TypeVar("Kind", bound=BaseModel)
NAMESPACES = ("item", "sample")
_MAX_GRADERS = 50

_CHECKS: Final[Mapping[str, Callable[[str, str], bool]]] = MappingProxyType(
    {
        "eq": lambda text, reference: text == reference,
        "ne": lambda text, reference: text != reference,
        "like": lambda text, reference: reference in text,
        "ilike": lambda text, reference: reference.casefold() in text.casefold(),
    }
)
_UNSUPPORTED_METRICS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "cosine": "it needs an embedding model",
        "meteor": "it needs a dictionary of synonyms",
    }
)
_UNSUPPORTED_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "python": "it would run code from a request",
        "score_model": "it calls a model for the score",
        "label_model": "it calls a model for the label",
    }
)


@dataclass(frozen=True, slots=True)
class TextGrader:
    """Compares two texts.

    Attributes:
        name: of the grader.
        type: `string_check` or `text_similarity`.
        input: template of the text that is graded.
        reference: template of the text that it is compared with.
        grade: `(input, reference)` -> 0 to 1.
    """

    name: str
    type: str
    input: str
    reference: str
    grade: Grade


@dataclass(frozen=True, slots=True)
class MultiGrader:
    """Combines the results of several graders.

    Attributes:
        name: of the grader.
        graders: by their names in the formula.
        formula: from their results to the reward.
    """

    name: str
    graders: Mapping[str, TextGrader]
    formula: Formula
    type: str = "multi"


def read_grader(data: Mapping[str, Any], param: str = "grader") -> TextGrader | MultiGrader:
    """Parse a grader.

    Args:
        data: its JSON object.
        param: its place in the request.

    Raises:
        ApiError: it is invalid, or not supported by this engine.
    """
    return _read_multi(data, param) if data.get("type") == "multi" else _read_text(data, param)


def _read_text(data: Mapping[str, Any], param: str) -> TextGrader:
    match data.get("type"):
        case "string_check":
            check = _validated(StringCheckGrader, data, param)
            operation = _CHECKS[check.operation]
            grade: Grade = lambda text, reference: float(operation(text, reference))  # noqa: E731
            return _text_grader(check, grade, param)
        case "text_similarity":
            similarity = _validated(TextSimilarityGrader, data, param)
            metric = similarity.evaluation_metric
            if reason := _UNSUPPORTED_METRICS.get(metric):
                raise _refusal(f"The metric {metric!r}", reason, f"{param}.evaluation_metric")
            return _text_grader(similarity, METRICS[metric], param)
        case str() as kind if kind in _UNSUPPORTED_TYPES:
            raise _refusal(f"The grader type {kind!r}", _UNSUPPORTED_TYPES[kind], f"{param}.type")
        case kind:
            raise ApiError(
                400,
                f"Invalid grader type {str(kind)[:60]!r}; use string_check or text_similarity, or "
                "multi to combine several of them.",
                param=f"{param}.type",
                code="invalid_value",
            )


def _text_grader(
    grader: StringCheckGrader | TextSimilarityGrader, grade: Grade, param: str
) -> TextGrader:
    for name, text in (("input", grader.input), ("reference", grader.reference)):
        if len(text) > MAX_CHARACTERS:
            message = f"The text is longer than {MAX_CHARACTERS:,} characters."
            raise ApiError(400, message, param=f"{param}.{name}", code="too_long")
        try:
            check_placeholders(text, NAMESPACES)
        except PlaceholderError as error:
            raise ApiError(
                400, str(error), param=f"{param}.{name}", code="invalid_template"
            ) from error
    return TextGrader(grader.name, grader.type, grader.input, grader.reference, grade)


class _Multi(BaseModel):
    """OpenAI's type allows a single grader; its documentation and servers accept many by name."""

    model_config = ConfigDict(extra="allow")

    calculate_output: str
    graders: dict[str, Any]
    name: str
    type: str


def _read_multi(data: Mapping[str, Any], param: str) -> MultiGrader:
    multi = _validated(_Multi, data, param)
    items = multi.graders
    if isinstance(items.get("type"), str):  # a single grader, as in OpenAI's types
        items = {str(items.get("name")): items}
    if not 1 <= len(items) <= _MAX_GRADERS:
        message = f"A multi grader must have 1 to {_MAX_GRADERS} graders."
        raise ApiError(400, message, param=f"{param}.graders", code="invalid_value")
    graders = {}
    for name, item in items.items():
        path = f"{param}.graders.{name[:60]}"
        if not isinstance(item, dict):
            raise ApiError(400, "A grader must be an object.", param=path, code="invalid_value")
        graders[name] = _read_text(item, path)
    return MultiGrader(multi.name, graders, _formula(multi, graders, param))


def _formula(multi: _Multi, graders: Mapping[str, TextGrader], param: str) -> Formula:
    path = f"{param}.calculate_output"
    try:
        formula = read_formula(multi.calculate_output)
    except FormulaError as error:
        raise ApiError(400, str(error), param=path, code="invalid_formula") from error
    if unknown := sorted(formula.names - graders.keys()):
        message = f"The formula uses {unknown[0][:60]!r}, but no grader has that name."
        raise ApiError(400, message, param=path, code="invalid_formula")
    return formula


def _validated(kind: type[Kind], data: Mapping[str, Any], param: str) -> Kind:
    try:
        grader = kind.model_validate(data)
    except ValidationError as error:
        raise invalid_parameter(error.errors(), (param,)) from error
    for name in grader.model_extra or {}:
        raise ApiError(
            400,
            f"Unrecognized parameter: {param}.{name[:80]}.",
            param=f"{param}.{name[:80]}",
            code="unknown_parameter",
        )
    return grader


def _refusal(subject: str, reason: str, param: str) -> ApiError:
    message = f"{subject} is not supported: {reason}."
    return ApiError(400, message, param=param, code="unsupported_grader")
