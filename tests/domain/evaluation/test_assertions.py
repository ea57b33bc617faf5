"""Assertions of promptfoo and graders of OpenAI's Evals: what is checked, and what is named."""

from __future__ import annotations

from typing import Any

import pytest

from tui.domain.evaluation.assertions import cell_assertion, grader_assertion, take_assertions
from tui.domain.evaluation.case_scores import score_case, scorers_of
from tui.domain.evaluation.cases import Case, Check

VALUES = {"city": "Paris", "item": {"label": "billing"}}


@pytest.mark.parametrize(
    ("kind", "value", "checks"),
    [
        ("equals", "{{city}}", [("exact", ("Paris",))]),
        ("equals", {"a": 1}, [("json_fields", ('{"a": 1}',))]),
        ("icontains", "paris", [("contains", ("paris",))]),
        ("icontains-any", ["a", "b"], [("contains", ("a", "b"))]),
        ("icontains-all", ["a", "b"], [("contains", ("a",)), ("contains", ("b",))]),
        ("regex", r"\d{2}", [("regex", (r"\d{2}",))]),
        ("is-json", None, [("json_valid", ("",))]),
    ],
)
def test_an_assertion_becomes_a_check_with_one_of_the_scorers(
    kind: str, value: Any, checks: list[tuple[str, tuple[str, ...]]]
) -> None:
    taken = take_assertions([{"type": kind, "value": value}], VALUES)
    assert [(check.scorer, check.answers) for check in taken.checks] == checks
    assert taken.notes == ()


@pytest.mark.parametrize(
    ("assertion", "note"),
    [
        ({"type": "javascript", "value": "1"}, "`javascript` (ftui runs no code"),
        ({"type": "python", "value": "1"}, "`python` (ftui runs no code"),
        ({"type": "similar", "value": "x"}, "`similar` (ftui has no scorer"),
        ({"type": "llm-rubric", "value": "x"}, "`llm-rubric` (ftui has no scorer"),
        ({"type": "not-contains", "value": "x"}, "`not-contains` (ftui has no scorer"),
        ({"type": "equals"}, "`equals` (it has no value)"),
        ({"type": "equals", "value": "file://a.txt"}, "`equals` (its value is in another file)"),
        ({"type": "equals", "value": "{{town}}"}, "`{{town}}`, which the row has not"),
        ({"type": "equals", "value": "{% if x %}"}, "which ftui does not run"),
        (grader_assertion({"type": "score_model"}), "`score_model` (ftui has no scorer"),
        (grader_assertion({"type": "python"}), "`python` (ftui runs no code"),
        (
            grader_assertion({"type": "string_check", "operation": "ne", "reference": "x"}),
            "`string_check of ne`",
        ),
        ("equals", "`without a type` (ftui has no scorer"),
    ],
)
def test_an_assertion_that_is_not_checked_is_named_with_the_reason(
    assertion: Any, note: str
) -> None:
    taken = take_assertions([assertion], VALUES)
    assert taken.checks == ()
    assert note in taken.notes[0]


def test_what_a_scorer_leaves_out_of_an_assertion_is_named() -> None:
    exact_case = {"type": "contains", "value": "a", "weight": 2}
    schema = {"type": "is-json", "value": {"type": "object"}}
    taken = take_assertions([exact_case, schema], {})
    assert len(taken.checks) == 2
    assert [note.partition(" (")[0] for note in taken.notes] == [
        "letter case in assertion `contains`",
        "`weight` of assertion `contains`",
        "the schema of assertion `is-json`",
    ]


def test_a_string_check_compares_the_answer_with_a_field_of_the_item() -> None:
    grader = {"type": "string_check", "input": "{{ sample.output_text }}", "operation": "eq"}
    taken = take_assertions([grader_assertion({**grader, "reference": "{{item.label}}"})], VALUES)
    assert taken.checks == (Check(answers=("billing",), scorer="exact"),)


@pytest.mark.parametrize(
    ("cell", "kind", "value"),
    [
        ("Paris", "equals", "Paris"),
        ("Note: by train", "equals", "Note: by train"),
        ("contains: Paris", "contains", "Paris"),
        ("icontains-any: a, b", "icontains-any", ["a", "b"]),
        ("similar(0.8): Paris", "similar", "Paris"),
        ("not-equals: Rome", "not-equals", "Rome"),
        ("is-json", "is-json", None),
        ("javascript: output.length", "javascript", "output.length"),
    ],
)
def test_a_cell_of_a_table_holds_an_assertion_or_the_expected_text(
    cell: str, kind: str, value: Any
) -> None:
    assert cell_assertion(cell) == {"type": kind, "value": value}


def case_of(*checks: Check) -> Case:
    return Case(line=1, messages=[{"role": "user", "content": "q"}], checks=checks)


def test_any_accepted_answer_is_right() -> None:
    case = case_of(Check(answers=("Paris", "paris, France"), scorer="exact"))
    assert [score_case(text, case).value for text in ("Paris", "paris, France", "Rome")] == [
        1,
        1,
        0,
    ]


def test_an_answer_must_meet_all_checks_and_the_failed_one_is_the_reason() -> None:
    case = case_of(
        Check(answers=("4",), scorer="contains"), Check(answers=(r"^\d+$",), scorer="regex")
    )
    assert score_case("42", case).value == 1
    assert score_case("It is 42", case).explanation == "not found"
    assert [scorer.name for scorer in scorers_of([case])] == ["contains", "regex"]


def test_a_chosen_scorer_replaces_those_of_the_test_set() -> None:
    case = case_of(Check(answers=("4",), scorer="contains"), Check(answers=("",), scorer="is"))
    named = [check.scorer for check in case.scored_by("exact", replace=True).checks]
    assert named == ["exact", "is"]
    assert case.scored_by("exact", replace=False) == case
