"""A grader as a client describes it -> one that grades; what does not run here is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeVar

from openai.types.graders import StringCheckGrader, TextSimilarityGrader
from pydantic import BaseModel, ConfigDict, ValidationError

from tui.engine.errors import ApiError, invalid_parameter
from tui.engine.graders.formula import Formula, FormulaError, read_formula
from tui.engine.graders.placeholders import MOST_CHARACTERS, PlaceholderError, check_placeholders
from tui.engine.graders.text_similarity import MEASURES

Grade = Callable[[str, str], float]
Kind = TypeVar("Kind", bound=BaseModel)
NAMESPACES = ("item", "sample")
_MOST_GRADERS = 50

_CHECKS: Final[Mapping[str, Callable[[str, str], bool]]] = MappingProxyType(
    {
        "eq": lambda text, reference: text == reference,
        "ne": lambda text, reference: text != reference,
        "like": lambda text, reference: reference in text,
        "ilike": lambda text, reference: reference.casefold() in text.casefold(),
    }
)
_MEASURES_REFUSED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "cosine": "it needs a model for embeddings",
        "meteor": "it needs a dictionary of synonyms",
    }
)
_REFUSED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "python": "it would run code from a request",
        "score_model": "it asks a model for the score",
        "label_model": "it asks a model for the label",
    }
)


@dataclass(frozen=True, slots=True)
class TextGrader:
    """Compares two texts.

    Attributes:
        name: of the grader.
        type: `string_check` or `text_similarity`.
        input: the text that is graded, with placeholders.
        reference: what it is compared with, with placeholders.
        grade: `(input, reference)` -> 0 to 1.
    """

    name: str
    type: str
    input: str
    reference: str
    grade: Grade


@dataclass(frozen=True, slots=True)
class MultiGrader:
    """Puts the results of several graders together.

    Attributes:
        name: of the grader.
        graders: each by the name that it has in the formula.
        formula: from their results to the reward.
    """

    name: str
    graders: Mapping[str, TextGrader]
    formula: Formula
    type: str = "multi"


def read_grader(given: Mapping[str, Any], param: str = "grader") -> TextGrader | MultiGrader:
    """The grader that a client describes.

    Args:
        given: it, as JSON.
        param: where it is in the request.

    Raises:
        ApiError: it is none, or one that this engine does not run.
    """
    return _read_multi(given, param) if given.get("type") == "multi" else _read_text(given, param)


def _read_text(given: Mapping[str, Any], param: str) -> TextGrader:
    match given.get("type"):
        case "string_check":
            checked = _validated(StringCheckGrader, given, param)
            operation = _CHECKS[checked.operation]
            grade: Grade = lambda text, reference: float(operation(text, reference))  # noqa: E731
            return _with_texts(checked, grade, param)
        case "text_similarity":
            similar = _validated(TextSimilarityGrader, given, param)
            metric = similar.evaluation_metric
            if why := _MEASURES_REFUSED.get(metric):
                raise _refusal(f"The metric {metric!r}", why, f"{param}.evaluation_metric")
            return _with_texts(similar, MEASURES[metric], param)
        case str() as kind if kind in _REFUSED:
            raise _refusal(f"A grader of the type {kind!r}", _REFUSED[kind], f"{param}.type")
        case kind:
            raise ApiError(
                400,
                f"{str(kind)[:60]!r} is not a type of graders that can be used here; use "
                "string_check or text_similarity, or multi to put several of them together.",
                param=f"{param}.type",
                code="invalid_value",
            )


def _with_texts(
    given: StringCheckGrader | TextSimilarityGrader, grade: Grade, param: str
) -> TextGrader:
    for name, text in (("input", given.input), ("reference", given.reference)):
        if len(text) > MOST_CHARACTERS:
            message = f"The text is longer than {MOST_CHARACTERS:,} characters."
            raise ApiError(400, message, param=f"{param}.{name}", code="too_long")
        try:
            check_placeholders(text, NAMESPACES)
        except PlaceholderError as error:
            raise ApiError(
                400, str(error), param=f"{param}.{name}", code="invalid_template"
            ) from error
    return TextGrader(given.name, given.type, given.input, given.reference, grade)


class _Multi(BaseModel):
    """OpenAI's type allows a single grader; its documentation and its servers take many by name."""

    model_config = ConfigDict(extra="allow")

    calculate_output: str
    graders: dict[str, Any]
    name: str
    type: str


def _read_multi(given: Mapping[str, Any], param: str) -> MultiGrader:
    multi = _validated(_Multi, given, param)
    described = multi.graders
    if isinstance(described.get("type"), str):  # a single one, as OpenAI's types have it
        described = {str(described.get("name")): described}
    if not 1 <= len(described) <= _MOST_GRADERS:
        message = f"A multi grader has 1 to {_MOST_GRADERS} graders."
        raise ApiError(400, message, param=f"{param}.graders", code="invalid_value")
    graders = {}
    for name, one in described.items():
        where = f"{param}.graders.{name[:60]}"
        if not isinstance(one, dict):
            raise ApiError(400, "A grader is a JSON object.", param=where, code="invalid_value")
        graders[name] = _read_text(one, where)
    return MultiGrader(multi.name, graders, _formula(multi, graders, param))


def _formula(multi: _Multi, graders: Mapping[str, TextGrader], param: str) -> Formula:
    where = f"{param}.calculate_output"
    try:
        formula = read_formula(multi.calculate_output)
    except FormulaError as error:
        raise ApiError(400, str(error), param=where, code="invalid_formula") from error
    if unknown := sorted(formula.names - graders.keys()):
        message = f"The formula names {unknown[0][:60]!r}, and no grader has that name."
        raise ApiError(400, message, param=where, code="invalid_formula")
    return formula


def _validated(kind: type[Kind], given: Mapping[str, Any], param: str) -> Kind:
    try:
        grader = kind.model_validate(given)
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


def _refusal(what: str, why: str, param: str) -> ApiError:
    return ApiError(
        400, f"{what} is not run by this engine: {why}.", param=param, code="unsupported_grader"
    )
