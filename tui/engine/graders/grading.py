"""A grader and a model's output -> the reward, and the kinds of errors that occurred."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from tui.engine.graders.parsing import MultiGrader, TextGrader
from tui.engine.graders.placeholders import TextTooLong, ValueMissing, fill

GradingError = Literal[
    "invalid_variable_error",
    "sample_parse_error",
    "truncated_observation_error",
    "other_error",
]
"""The kinds of OpenAI's `metadata.errors` that the supported graders can cause."""

_JSON = "sample.output_json"


@dataclass(slots=True)
class GradingResult:
    """The result of grading.

    Attributes:
        reward: 0 where there were errors.
        sub_rewards: by the graders of a multi grader.
        errors: their kinds.
    """

    reward: float = 0.0
    sub_rewards: dict[str, float] = field(default_factory=dict)
    errors: set[GradingError] = field(default_factory=set)


def grade(grader: TextGrader | MultiGrader, output: str, item: Any) -> GradingResult:
    """Grade a model's output.

    Args:
        grader: the grader.
        output: the model's text.
        item: the row of data that it belongs to, any JSON.
    """
    values = {"item": item, "sample": _sample(output)}
    result = GradingResult()
    if isinstance(grader, TextGrader):
        result.reward = _grade_text(grader, values, result.errors)
        return result
    for name, text_grader in grader.graders.items():
        result.sub_rewards[name] = _grade_text(text_grader, values, result.errors)
    if not result.errors:
        try:
            result.reward = grader.formula.evaluate(result.sub_rewards)
        except ArithmeticError:
            result.errors.add("other_error")
    return result


def _grade_text(grader: TextGrader, values: dict[str, Any], errors: set[GradingError]) -> float:
    try:
        return grader.grade(fill(grader.input, values), fill(grader.reference, values))
    except ValueMissing as error:
        is_json = "output_json" in values["sample"]
        needs_json = error.path.startswith(_JSON)
        errors.add("sample_parse_error" if needs_json and not is_json else "invalid_variable_error")
    except TextTooLong:
        errors.add("truncated_observation_error")
    return 0.0


def _sample(output: str) -> dict[str, Any]:
    """Return the values of the `sample` namespace; `output_json` where the output is JSON."""
    try:
        return {"output_text": output, "output_json": orjson.loads(output)}
    except orjson.JSONDecodeError:
        return {"output_text": output}
