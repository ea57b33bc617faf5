"""A grader and a model's answer -> the reward, and what kinds of trouble there were."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from tui.engine.graders.graders import MultiGrader, TextGrader
from tui.engine.graders.placeholders import TextTooLong, ValueMissing, fill

Trouble = Literal[
    "invalid_variable_error",
    "sample_parse_error",
    "truncated_observation_error",
    "other_error",
]
"""The kinds of OpenAI's `metadata.errors` that can come up with the graders that run here."""

_JSON = "sample.output_json"


@dataclass(slots=True)
class Graded:
    """What grading came to.

    Attributes:
        reward: 0 where there was trouble.
        sub_rewards: of the graders below a multi grader.
        troubles: the kinds of trouble.
    """

    reward: float = 0.0
    sub_rewards: dict[str, float] = field(default_factory=dict)
    troubles: set[Trouble] = field(default_factory=set)


def grade(grader: TextGrader | MultiGrader, answer: str, item: Any) -> Graded:
    """Grade a model's answer.

    Args:
        grader: how.
        answer: the model's.
        item: the row of data that it answers, any JSON.
    """
    values = {"item": item, "sample": _sample(answer)}
    graded = Graded()
    if isinstance(grader, TextGrader):
        graded.reward = _grade_text(grader, values, graded.troubles)
        return graded
    for name, one in grader.graders.items():
        graded.sub_rewards[name] = _grade_text(one, values, graded.troubles)
    if not graded.troubles:
        try:
            graded.reward = grader.formula.value(graded.sub_rewards)
        except ArithmeticError:
            graded.troubles.add("other_error")
    return graded


def _grade_text(grader: TextGrader, values: dict[str, Any], troubles: set[Trouble]) -> float:
    try:
        return grader.grade(fill(grader.input, values), fill(grader.reference, values))
    except ValueMissing as error:
        parsed = "output_json" in values["sample"]
        unparsed = not parsed and error.path.startswith(_JSON)
        troubles.add("sample_parse_error" if unparsed else "invalid_variable_error")
    except TextTooLong:
        troubles.add("truncated_observation_error")
    return 0.0


def _sample(answer: str) -> dict[str, Any]:
    """What placeholders can say of the answer; `output_json` where it is JSON."""
    try:
        return {"output_text": answer, "output_json": orjson.loads(answer)}
    except orjson.JSONDecodeError:
        return {"output_text": answer}
