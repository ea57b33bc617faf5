"""Scorers: an answer and the expected one -> a score from 0 to 1, with the reason for it.

To add a scorer, write one function `(answer, expected) -> Score` with the decorator `@scorer(...)`
of its name and one line about it. It raises `ValueError` where the *expected* answer cannot be
used; whatever the model answered is never an error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

Scoring = Callable[[str, str], "Score"]


class Score(BaseModel):
    """The score of one answer.

    Attributes:
        value: 0 (all wrong) to 1 (right).
        answer: the part of the answer that was compared.
        explanation: short reason.
        metadata: details, such as `fields`: name -> whether it is correct.
    """

    model_config = ConfigDict(frozen=True)

    value: float = Field(ge=0, le=1)
    answer: str = ""
    explanation: str = ""
    metadata: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scorer:
    """A scorer by its name.

    Attributes:
        name: as on the command line.
        about: one-line description.
        score: `(answer, expected)` -> score; raises `ValueError` for an unusable expected answer.
    """

    name: str
    about: str
    score: Scoring


def scorer(name: str, about: str) -> Callable[[Scoring], Scorer]:
    """Turn a function into a `Scorer`."""

    def make(score: Scoring) -> Scorer:
        return Scorer(name, about, score)

    return make


@scorer("exact", "The answer equals the expected one, ignoring surrounding whitespace.")
def exact(answer: str, expected: str) -> Score:
    """1 where both are equal."""
    return _pass(answer.strip() == expected.strip(), answer.strip(), "equal", "different")


@scorer("contains", "The answer contains the expected text, ignoring case.")
def contains(answer: str, expected: str) -> Score:
    """1 where the expected text occurs."""
    target = expected.strip().casefold()
    if not target:
        raise ValueError("the expected answer is empty")
    return _pass(target in answer.casefold(), answer, "found", "not found")


@scorer("regex", "The expected answer is a regular expression that matches within the answer.")
def regex(answer: str, expected: str) -> Score:
    """1 where the pattern is found."""
    try:
        match = re.search(expected, answer)
    except re.error as error:
        raise ValueError(
            f"the expected answer is not a valid regular expression: {error}"
        ) from error
    return _pass(match is not None, match.group() if match else answer, "found", "not found")


_NUMBER = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?")


@scorer("numeric", "The last number of the answer equals the last one of the expected answer.")
def numeric(answer: str, expected: str) -> Score:
    """1 where both numbers are the same, to one part in a million."""
    target, actual = _last_number(expected), _last_number(answer)
    if target is None:
        raise ValueError("the expected answer contains no number")
    if actual is None:
        return Score(value=0, answer=answer, explanation="no number")
    near = abs(actual - target) <= 1e-6 * max(1.0, abs(target))
    return _pass(near, f"{actual:g}", "equal", f"{actual:g} instead of {target:g}")


@scorer("json_valid", "The whole answer is valid JSON of the expected type.")
def json_valid(answer: str, expected: str) -> Score:
    """1 where the answer parses; if JSON is expected, as the same kind (object, list, ...)."""
    try:
        value = read_json(answer)
    except ValueError as error:
        return Score(value=0, answer=answer, explanation=str(error))
    try:
        expected_kind = _kind(read_json(expected))
    except ValueError:
        expected_kind = _kind(value)
    return _pass(
        _kind(value) == expected_kind, answer, "valid JSON", f"{_kind(value)}, not {expected_kind}"
    )


@scorer(
    "json_fields", "The share of fields in the expected JSON object that the answer gets right."
)
def json_fields(answer: str, expected: str) -> Score:
    """The share of correct fields; `metadata["fields"]` has the result of each."""
    try:
        target = read_json(expected)
    except ValueError as error:
        raise ValueError(f"the expected answer is not a JSON object: {error}") from error
    if not isinstance(target, dict) or not target:
        raise ValueError("the expected answer is not a JSON object with fields")
    try:
        actual = read_json(answer)
        problem = "" if isinstance(actual, dict) else f"{_kind(actual)}, not object"
    except ValueError as error:
        actual, problem = {}, str(error)
    values = actual if isinstance(actual, dict) else {}
    fields = {key: key in values and json_equal(values[key], target[key]) for key in target}
    wrong = [key for key, right in fields.items() if not right]
    explanation = problem or (f"wrong: {', '.join(wrong)}" if wrong else "all fields equal")
    value = (len(fields) - len(wrong)) / len(fields)
    return Score(value=value, answer=answer, explanation=explanation, metadata={"fields": fields})


_ALL = (exact, contains, regex, numeric, json_valid, json_fields)

SCORERS: Final[Mapping[str, Scorer]] = MappingProxyType({item.name: item for item in _ALL})
"""All scorers by name."""


def find_scorer(name: str) -> Scorer:
    """Look up a scorer by name.

    Raises:
        ValueError: it does not exist; the message lists those that do.
    """
    try:
        return SCORERS[name]
    except KeyError:
        raise ValueError(f"There is no scorer {name}: use {', '.join(SCORERS)}.") from None


def suggest_scorer(expected: Iterable[str]) -> Scorer:
    """`json_valid` if all expected answers are JSON objects, otherwise `exact`."""
    return json_valid if all(map(_is_object, expected)) else exact


def read_json(text: str) -> Any:
    """Parse strict JSON without NaN or surrounding text.

    Raises:
        ValueError: the text is not JSON; the message names the position.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        place = f"at character {error.pos + 1}" if text.strip() else "empty"
        raise ValueError(f"not JSON ({place})") from error
    except RecursionError as error:
        raise ValueError("not JSON (nested too deeply)") from error


def json_equal(actual: object, expected: object) -> bool:
    """Whether two JSON values are equal; true and 1 are not, 1 and 1.0 are."""
    if isinstance(actual, bool) or isinstance(expected, bool):
        return actual is expected
    if isinstance(actual, dict) and isinstance(expected, dict):
        return actual.keys() == expected.keys() and all(
            json_equal(actual[key], expected[key]) for key in actual
        )
    if isinstance(actual, list) and isinstance(expected, list):
        return len(actual) == len(expected) and all(map(json_equal, actual, expected))
    return actual == expected


def _pass(right: bool, answer: str, yes: str, no: str) -> Score:
    return Score(value=float(right), answer=answer, explanation=yes if right else no)


def _last_number(text: str) -> float | None:
    numbers = _NUMBER.findall(text)
    return float(numbers[-1].replace(",", "")) if numbers else None


def _kind(value: object) -> str:
    if value is None:
        return "null"
    kinds = {dict: "object", list: "list", str: "string", bool: "boolean"}
    return kinds.get(type(value), "number")


def _is_object(text: str) -> bool:
    try:
        return isinstance(read_json(text), dict)
    except ValueError:
        return False


def _refuse_constant(name: str) -> float:
    raise ValueError(f"not JSON ({name} is not allowed)")
