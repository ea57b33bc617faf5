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
    """What a scorer says of one answer.

    Attributes:
        value: 0 (all wrong) to 1 (right).
        answer: what of the answer was compared.
        explanation: why, in a few words.
        metadata: more of it, such as `fields`: name -> whether it is right.
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
        about: what it looks at, in one line.
        score: `(answer, expected)` -> score; raises `ValueError` for an unusable expected answer.
    """

    name: str
    about: str
    score: Scoring


def scorer(name: str, about: str) -> Callable[[Scoring], Scorer]:
    """Make a `Scorer` of a function."""

    def make(score: Scoring) -> Scorer:
        return Scorer(name, about, score)

    return make


@scorer("exact", "The answer equals the expected one; white space around both is ignored.")
def exact(answer: str, expected: str) -> Score:
    """1 where both are equal."""
    return _pass(answer.strip() == expected.strip(), answer.strip(), "equal", "different")


@scorer("contains", "The expected text occurs in the answer; upper and lower case are alike.")
def contains(answer: str, expected: str) -> Score:
    """1 where the expected text occurs."""
    wanted = expected.strip().casefold()
    if not wanted:
        raise ValueError("the expected answer is empty")
    return _pass(wanted in answer.casefold(), answer, "found", "not found")


@scorer("regex", "The expected answer is a regular expression that is found in the answer.")
def regex(answer: str, expected: str) -> Score:
    """1 where the pattern is found."""
    try:
        found = re.search(expected, answer)
    except re.error as error:
        raise ValueError(f"the expected answer is no regular expression: {error}") from error
    return _pass(found is not None, found.group() if found else answer, "found", "not found")


_NUMBER = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?")


@scorer("numeric", "The last number of the answer equals the last one of the expected answer.")
def numeric(answer: str, expected: str) -> Score:
    """1 where both numbers are the same, to one part in a million."""
    wanted, given = _last_number(expected), _last_number(answer)
    if wanted is None:
        raise ValueError("the expected answer holds no number")
    if given is None:
        return Score(value=0, answer=answer, explanation="no number")
    near = abs(given - wanted) <= 1e-6 * max(1.0, abs(wanted))
    return _pass(near, f"{given:g}", "equal", f"{given:g} instead of {wanted:g}")


@scorer("json_valid", "The answer is JSON and nothing else, of the kind that is expected.")
def json_valid(answer: str, expected: str) -> Score:
    """1 where the answer parses; if JSON is expected, as the same kind (object, list, ...)."""
    try:
        value = read_json(answer)
    except ValueError as error:
        return Score(value=0, answer=answer, explanation=str(error))
    try:
        wanted = _kind(read_json(expected))
    except ValueError:
        wanted = _kind(value)
    return _pass(_kind(value) == wanted, answer, "valid JSON", f"{_kind(value)}, not {wanted}")


@scorer("json_fields", "The share of the expected JSON object's fields that the answer has equal.")
def json_fields(answer: str, expected: str) -> Score:
    """The mean over the expected keys; `metadata["fields"]` tells each."""
    try:
        wanted = read_json(expected)
    except ValueError as error:
        raise ValueError(f"the expected answer is no JSON object: {error}") from error
    if not isinstance(wanted, dict) or not wanted:
        raise ValueError("the expected answer is no JSON object with fields")
    try:
        given = read_json(answer)
        problem = "" if isinstance(given, dict) else f"{_kind(given)}, not object"
    except ValueError as error:
        given, problem = {}, str(error)
    values = given if isinstance(given, dict) else {}
    fields = {key: key in values and json_equal(values[key], wanted[key]) for key in wanted}
    wrong = [key for key, right in fields.items() if not right]
    explanation = problem or (f"wrong: {', '.join(wrong)}" if wrong else "all fields equal")
    value = (len(fields) - len(wrong)) / len(fields)
    return Score(value=value, answer=answer, explanation=explanation, metadata={"fields": fields})


_ALL = (exact, contains, regex, numeric, json_valid, json_fields)

SCORERS: Final[Mapping[str, Scorer]] = MappingProxyType({one.name: one for one in _ALL})
"""Every scorer there is, by its name."""


def find_scorer(name: str) -> Scorer:
    """The scorer of a name.

    Raises:
        ValueError: there is none; the text lists those there are.
    """
    try:
        return SCORERS[name]
    except KeyError:
        raise ValueError(f"There is no scorer {name}: use {', '.join(SCORERS)}.") from None


def suggest_scorer(expected: Iterable[str]) -> Scorer:
    """`json_valid` if all expected answers are JSON objects, otherwise `exact`."""
    return json_valid if all(map(_is_object, expected)) else exact


def read_json(text: str) -> Any:
    """Parse strict JSON: no NaN, nothing around it.

    Raises:
        ValueError: it is none; the text says where it goes wrong.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        place = f"at character {error.pos + 1}" if text.strip() else "it is empty"
        raise ValueError(f"no JSON ({place})") from error
    except RecursionError as error:
        raise ValueError("no JSON (nested too deeply)") from error


def json_equal(given: object, wanted: object) -> bool:
    """Whether two JSON values are equal; true and 1 are not, 1 and 1.0 are."""
    if isinstance(given, bool) or isinstance(wanted, bool):
        return given is wanted
    if isinstance(given, dict) and isinstance(wanted, dict):
        return given.keys() == wanted.keys() and all(
            json_equal(given[key], wanted[key]) for key in given
        )
    if isinstance(given, list) and isinstance(wanted, list):
        return len(given) == len(wanted) and all(map(json_equal, given, wanted))
    return given == wanted


def _pass(right: bool, answer: str, yes: str, no: str) -> Score:
    return Score(value=float(right), answer=answer, explanation=yes if right else no)


def _last_number(text: str) -> float | None:
    found = _NUMBER.findall(text)
    return float(found[-1].replace(",", "")) if found else None


def _kind(value: object) -> str:
    if value is None:
        return "null"
    kinds = {dict: "object", list: "list", str: "text", bool: "true or false"}
    return kinds.get(type(value), "number")


def _is_object(text: str) -> bool:
    try:
        return isinstance(read_json(text), dict)
    except ValueError:
        return False


def _refuse_constant(name: str) -> float:
    raise ValueError(f"no JSON ({name} is not part of it)")
