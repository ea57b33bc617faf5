"""Scorers: an answer and the expected one -> a score from 0 to 1, with the reason for it.

To add a scorer, write one function `(answer, expected) -> Score` with the decorator `@scorer(...)`
of its name and one line about it. It raises `ValueError` where the *expected* answer cannot be
used; whatever the model answered is never an error.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from tui.domain.evaluation.number_reading import is_number, last_number
from tui.domain.evaluation.text_similarity import fuzzy_match, rouge_l, rouge_n

_COMPARED = 20_000
"""Characters of a text that are compared for how alike it is."""
_LONGEST_LABEL = 40
_PATTERN_SECONDS = 1.0
"""How long a pattern may search an answer."""

Scoring = Callable[[str, str], "Score"]


class ScoringError(Exception):
    """An answer that cannot be scored; the message is a sentence."""


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


@scorer("label", "The answer is the expected label, without case, quotes and a final full stop.")
def label(answer: str, expected: str) -> Score:
    """1 where both are equal after normalisation: Unicode NFKC, case, spaces, quotes, full stop."""
    return _pass(_as_label(answer) == _as_label(expected), answer.strip(), "equal", "different")


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
    # Loaded on first use: the first paint does not need it. Unlike `re` it can be stopped.
    import regex as patterns

    try:
        match = patterns.search(expected, answer, timeout=_PATTERN_SECONDS, concurrent=True)
    except patterns.error as error:
        raise ValueError(
            f"the expected answer is not a valid regular expression: {error}"
        ) from error
    except TimeoutError as error:
        raise ScoringError(
            f"The regular expression took longer than {_PATTERN_SECONDS:.0f} s."
        ) from error
    return _pass(match is not None, match.group() if match else answer, "found", "not found")


@scorer("numeric", "The last number of the answer equals the last one of the expected answer.")
def numeric(answer: str, expected: str) -> Score:
    """1 where both numbers are the same, to one part in a million.

    Where a number has two readings, one kind of decimal mark has to fit both.
    """
    target, actual = last_number(expected), last_number(answer)
    if target is None:
        raise ValueError("the expected answer contains no number")
    if actual is None:
        return Score(value=0, answer=answer, explanation="no number")
    near = _near(actual.point, target.point) or _near(actual.comma, target.comma)
    explanation = "equal" if near else f"{actual.text} instead of {target.text}"
    ambiguous = [number.text for number in (actual, target) if number.is_ambiguous]
    if ambiguous and actual.text != target.text:
        explanation += f" ({ambiguous[0]} has two readings)"
    return Score(value=float(near), answer=actual.text, explanation=explanation)


def _near(actual: float, target: float) -> bool:
    return abs(actual - target) <= 1e-6 * max(1.0, abs(target))


@scorer("similar", "How alike both texts are: twice the common characters over all of them.")
def similar(answer: str, expected: str) -> Score:
    """RapidFuzz's `ratio` of the texts without surrounding whitespace."""
    return _alike(fuzzy_match, answer.strip(), expected.strip())


@scorer("rouge_l", "ROUGE-L: F1 of the longest common subsequence of words, without case.")
def longest_subsequence(answer: str, expected: str) -> Score:
    """ROUGE-L of Lin 2004."""
    return _alike(rouge_l, answer, expected)


@scorer("token_f1", "F1 of the common words, without case and punctuation.")
def common_words(answer: str, expected: str) -> Score:
    """ROUGE-1 of Lin 2004: the words count in any order."""
    return _alike(partial(rouge_n, 1), answer, expected)


def _alike(metric: Callable[[str, str], float], answer: str, expected: str) -> Score:
    """The score of a metric; what a text has beyond `_COMPARED` characters does not count."""
    if not expected.strip():
        raise ValueError("the expected answer is empty")
    value = metric(answer[:_COMPARED], expected[:_COMPARED])
    return Score(value=value, answer=answer, explanation=f"{value:.2f} alike")


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
    if not isinstance(target, dict):
        raise ValueError("the expected answer is not a JSON object")
    try:
        actual = read_json(answer)
        problem = "" if isinstance(actual, dict) else f"{_kind(actual)}, not object"
    except ValueError as error:
        actual, problem = {}, str(error)
    values = actual if isinstance(actual, dict) else {}
    fields = {key: key in values and json_equal(values[key], target[key]) for key in target}
    wrong = [key for key, equal in fields.items() if not equal]
    if not fields and values:
        problem = "not the empty object"
    explanation = problem or (f"wrong: {', '.join(wrong)}" if wrong else "all fields equal")
    right = (len(fields) - len(wrong)) / len(fields) if fields else float(not problem)
    return Score(value=right, answer=answer, explanation=explanation, metadata={"fields": fields})


_ALL = (
    *(exact, label, contains, regex, numeric, json_valid, json_fields),
    *(similar, longest_subsequence, common_words),
)

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
    """The strictest scorer that fits expected answers: it tells right from nearly right.

    JSON objects are compared field by field, numbers as numbers, short labels as `label`, and
    other texts by how alike they are.
    """
    answers = [*expected]
    for fits, fitting in _FITTING:
        if all(map(fits, answers)):
            return fitting
    return similar


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


def _kind(value: object) -> str:
    if value is None:
        return "null"
    kinds = {dict: "object", list: "list", str: "string", bool: "boolean"}
    return kinds.get(type(value), "number")


def _is_object(text: str) -> bool:
    try:
        value = read_json(text)
    except ValueError:
        return False
    return isinstance(value, dict)


def _is_label(text: str) -> bool:
    return 0 < len(text.strip()) <= _LONGEST_LABEL and "\n" not in text.strip()


def _as_label(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(plain.split()).strip("\"'`*“”‘’ ").removesuffix(".")


_FITTING: Final = ((_is_object, json_fields), (is_number, numeric), (_is_label, label))


def _refuse_constant(name: str) -> float:
    raise ValueError(f"not JSON ({name} is not allowed)")
