"""Scorers: the score of an answer, and which expected answers are unusable."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.evaluation.scorers import (
    SCORERS,
    ScoringError,
    find_scorer,
    json_equal,
    read_json,
    suggest_scorer,
)

TICKET = '{"category": "billing", "order": 12, "urgent": true, "tags": ["a"]}'

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def value(name: str, answer: str, expected: str) -> float:
    return find_scorer(name).score(answer, expected).value


@pytest.mark.parametrize(
    ("name", "answer", "expected", "score"),
    [
        ("exact", " yes\n", "yes", 1),
        ("exact", "Yes", "yes", 0),
        ("contains", "I think it is PARIS.", "paris", 1),
        ("contains", "London", "paris", 0),
        ("regex", "order 48657 is late", r"\b\d{5}\b", 1),
        ("regex", "order 4865 is late", r"\b\d{5}\b", 0),
        ("numeric", "First 3, so the total is 1,234.50", "1234.5", 1),
        ("numeric", "-7", "7", 0),
        ("label", ' "Yes." ', "yes", 1),
        ("label", "ＢＩＬＬＩＮＧ", "billing", 1),
        ("label", "yes, it is", "yes", 0),
        ("similar", "abcd", "abce", 0.75),
        ("similar", "", "abc", 0),
        ("rouge_l", "the cat sat", "The cat was on the mat", 4 / 9),
        ("token_f1", "cat the", "The cat!", 1),
        ("numeric", "none", "7", 0),
        ("json_valid", TICKET, "{}", 1),
        ("json_valid", f"Here you are: {TICKET}", "{}", 0),
        ("json_valid", f"```json\n{TICKET}\n```", "{}", 0),
        ("json_valid", "42", "{}", 0),
        ("json_valid", "42", "not JSON", 1),
        ("json_valid", '{"a": NaN}', "{}", 0),
        ("json_valid", "", "{}", 0),
        ("json_valid", "[" * 100_000, "{}", 0),
        ("json_fields", TICKET, TICKET, 1),
        ("json_fields", '{"category": "billing", "order": "12"}', TICKET, 0.25),
        ("json_fields", '{"category": "bug"}', TICKET, 0),
        ("json_fields", "[]", TICKET, 0),
        ("json_fields", "{}", "{}", 1),
        ("json_fields", '{"a": 1}', "{}", 0),
        ("json_fields", "no JSON", "{}", 0),
        ("json_fields", "no JSON", TICKET, 0),
    ],
)
def test_each_scorer_gives_the_expected_score(
    name: str, answer: str, expected: str, score: float
) -> None:
    assert value(name, answer, expected) == score


def test_json_fields_reports_each_field_and_its_error() -> None:
    score = find_scorer("json_fields").score('{"category": "billing", "order": 13}', TICKET)
    assert score.metadata["fields"] == {
        "category": True,
        "order": False,
        "urgent": False,
        "tags": False,
    }
    assert score.explanation == "wrong: order, urgent, tags"


@pytest.mark.parametrize(
    ("name", "expected", "why"),
    [
        ("json_fields", "plain text", "not a JSON object"),
        ("regex", "(", "not a valid regular expression"),
        ("numeric", "many", "no number"),
        ("contains", "  ", "empty"),
    ],
)
def test_an_expected_answer_that_cannot_be_used_is_an_error(
    name: str, expected: str, why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        find_scorer(name).score("anything", expected)


def test_an_unknown_scorer_is_refused_with_a_list_of_the_known_ones() -> None:
    with pytest.raises(ValueError, match="exact, label, contains, regex, numeric, json_valid"):
        find_scorer("vibes")


@given(st.text(), st.sampled_from(sorted(SCORERS)))
def test_any_answer_of_a_model_gets_a_score(answer: str, name: str) -> None:
    expected = {"json_fields": TICKET, "numeric": "7"}.get(name, "x")
    assert 0 <= value(name, answer, expected) <= 1


@given(st.dictionaries(st.text(), json_values, min_size=1, max_size=4))
def test_the_expected_object_scores_1_against_itself(expected: dict[str, object]) -> None:
    text = json.dumps(expected)
    assert value("json_fields", text, text) == 1
    assert value("json_valid", text, text) == 1


@given(json_values)
def test_a_json_value_equals_itself_and_not_a_list_of_it(expected: object) -> None:
    assert json_equal(read_json(json.dumps(expected)), expected)
    assert not json_equal([expected], expected)


@pytest.mark.parametrize(("actual", "expected"), [(True, 1), (0, False), ("1", 1), (None, False)])
def test_json_values_of_different_types_are_different(actual: object, expected: object) -> None:
    assert not json_equal(actual, expected)


@pytest.mark.parametrize(
    ("expected", "name"),
    [
        ([TICKET, '{"a": 1}'], "json_fields"),
        ([TICKET, "{}"], "json_fields"),
        (["12", "-3.5", "1,200 €"], "numeric"),
        (["yes", "no", "12"], "label"),
        (["The parcel left our warehouse on Monday and arrives this week."], "similar"),
        (["two\nlines"], "similar"),
    ],
)
def test_the_suggested_scorer_tells_right_from_nearly_right(expected: list[str], name: str) -> None:
    assert suggest_scorer(expected).name == name


@pytest.mark.parametrize(
    ("answer", "expected", "score", "explanation"),
    [
        ("It costs €1.234,56.", "1234.56", 1, "equal"),
        ("It costs 1,234.56 in all", "1234.56", 1, "equal"),
        ("1'234.56", "1.234,56", 1, "equal"),
        ("1.234.567", "1234567", 1, "equal"),
        ("0.500", "0,5", 1, "equal"),
        ("1,234", "1234", 1, "equal (1,234 has two readings)"),
        ("1.234", "1234", 1, "equal (1.234 has two readings)"),
        ("1.234", "1.234", 1, "equal"),
        ("\u22127", "7", 0, "\u22127 instead of 7"),
        ("2e3", "2000", 1, "equal"),
    ],
)
def test_numbers_are_read_with_either_decimal_mark(
    answer: str, expected: str, score: float, explanation: str
) -> None:
    result = find_scorer("numeric").score(answer, expected)
    assert (result.value, result.explanation) == (score, explanation)


def test_a_pattern_without_end_is_stopped() -> None:
    with pytest.raises(ScoringError, match="took longer than 1 s"):
        find_scorer("regex").score("a" * 60 + "b", r"(a|aa)+$")
