"""Test sets: which rows become cases, and what is said of the others."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.evaluation.case_rows import Columns
from tui.domain.evaluation.case_set import (
    CaseSet,
    describe_rows,
    name_lines,
    parse_row,
    read_case_set,
)
from tui.domain.evaluation.cases import Case
from tui.domain.evaluation.definitions import is_definition_alone

CHAT = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Two and two?"},
        {"role": "assistant", "content": "4", "weight": 1},
    ]
}


def read(*rows: Any, columns: Columns = Columns()) -> CaseSet:  # noqa: B008
    return read_case_set(enumerate(rows, 1), columns)


def only(*rows: Any) -> Case:
    (case,) = read(*rows).cases
    return case


def test_the_last_answer_is_expected_and_the_messages_before_it_are_the_prompt() -> None:
    case = only(CHAT)
    assert case.expected == "4"
    assert [message["role"] for message in case.messages] == ["system", "user"]
    assert case.prompt == "Two and two?"


def test_earlier_answers_stay_in_the_prompt_and_weights_are_not_sent() -> None:
    more = {"messages": [*CHAT["messages"], {"role": "user", "content": "And three?"}]}
    more["messages"].append({"role": "assistant", "content": "7"})
    case = only(more)
    assert case.expected == "7"
    assert case.messages[2] == {"role": "assistant", "content": "4"}


def test_typed_content_parts_are_sent_as_they_are_and_compared_as_text() -> None:
    row = {
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Two and two?"}]},
            {"role": "assistant", "content": [{"type": "text", "text": "4"}]},
        ]
    }
    case = only(row)
    assert case.messages[0]["content"] == [{"type": "text", "text": "Two and two?"}]
    assert (case.prompt, case.expected) == ("Two and two?", "4")


@pytest.mark.parametrize(
    ("row", "question", "answers"),
    [
        ({"input": "q", "ideal_output": "a", "system": "s"}, ["s", "q"], ("a",)),
        ({"input": "q", "ideal_output": 4}, ["q"], ("4",)),
        ({"prompt": "q", "completion": "a"}, ["q"], ("a",)),
        ({"instruction": "q", "input": "r", "output": "a"}, ["q\n\nr"], ("a",)),
        ({"input": "q", "target": ["a", "b"]}, ["q"], ("a", "b")),
        ({"input": [{"role": "user", "content": "q"}], "target": "a"}, ["q"], ("a",)),
        (
            {"input": [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}]}
            | {"ideal": ["a", "b"]},
            ["s", "q"],
            ("a", "b"),
        ),
        ({"item": {"question": "q", "ideal": "a"}, "sample": {}}, ["q"], ("a",)),
        ({"input": {"question": "q"}, "expected": {"n": 1}}, ["q"], ('{"n": 1}',)),
        ({"input": "q", "expected_output": "a", "actual_output": "x"}, ["q"], ("a",)),
        ({"input": "q", "expectedOutput": "a"}, ["q"], ("a",)),
        ({"input": ["q"], "ground_truth": "a"}, ["q"], ("a",)),
        ({"user_input": "q", "reference": "a", "response": "x"}, ["q"], ("a",)),
        ({"question": "q", "answer": "x", "ground_truth": "a"}, ["q"], ("a",)),
        ({"question": "q", "answer": True}, ["q"], ("true",)),
        ({"messages": [{"role": "user", "content": "q"}], "reference": "a"}, ["q"], ("a",)),
    ],
)
def test_question_and_answer_are_found_under_the_names_of_other_tools(
    row: dict[str, Any], question: list[str], answers: tuple[str, ...]
) -> None:
    case = only(row)
    assert [message["content"] for message in case.messages] == question
    assert (case.expected, *case.accepted) == answers


def test_labels_are_kept_and_what_no_model_sees_is_named() -> None:
    labels = {"group": 7, "tags": ["hard"], "metadata": {"topic": "maths"}, "language": "en"}
    test_set = read({"input": "q", "target": "a", "context": "c" * 500, **labels})
    (case,) = test_set.cases
    assert (case.group, case.tags) == ("7", ("hard",))
    assert case.metadata == {"topic": "maths", "language": "en"}
    assert describe_rows(test_set) == ["Not used: `context` (1 row), `language` (1 row)."]


def test_columns_can_be_named_also_within_an_object() -> None:
    rows = [{"q": {"text": "Two and two?"}, "Sum": 4}, {"q": {}, "Sum": 5}]
    test_set = read(*rows, columns=Columns("q.text", "sum"))
    assert [(case.prompt, case.expected) for case in test_set.cases] == [("Two and two?", "4")]
    assert test_set.left_out == [(2, "it has no `q.text`")]
    assert test_set.unread == {}


def test_a_wrong_column_is_refused_with_the_columns_there_are() -> None:
    with pytest.raises(ValueError, match="no column `frag`; it has frage, antwort"):
        read({"frage": "q", "antwort": "a"}, columns=Columns("frag", "antwort"))


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ([1], "it is not an object"),
        ({"text": "x"}, "no field is known as its question (its fields: text)"),
        ({"input": "x"}, "there is no expected answer"),
        ({"input": "x", "target": " "}, "there is no expected answer"),
        ({"input": " ", "target": "a"}, "there is no question"),
        ({"input": "x", "target": "B", "choices": ["a", "b"]}, "it has `choices`"),
        ({"input": ["x", "y"], "ground_truth": "a"}, "a list that is not one of messages"),
        ({"input": {"a": 1, "b": 2}, "expected": "a"}, "name a field of it (a, b)"),
        ({"input": "x", "target": "a", "": ["b"]}, "more cells than the table has columns"),
        ({"messages": "x"}, "`messages` is not a list"),
        ({"input": {"role": "user", "content": 5}, "target": "a"}, "neither text nor a list"),
        ({"messages": CHAT["messages"][:2]}, "there is no assistant message"),
        ({"messages": CHAT["messages"][2:]}, "there is no message before"),
        (
            {"messages": [CHAT["messages"][1], {"role": "assistant", "content": None}]},
            "the last assistant message has no text",
        ),
        ({"prompt": "x", "chosen": "y", "rejected": "z"}, "it has a preferred and"),
        ({"prompt": "x", "completion": "y", "label": False}, "labelled good or bad"),
        ({"input": {}, "preferred_output": [], "non_preferred_output": []}, "a preferred and"),
    ],
)
def test_a_row_that_is_no_case_is_left_out_with_its_line_and_the_reason(row: Any, why: str) -> None:
    test_set = read(CHAT, row)
    assert [case.line for case in test_set.cases] == [1]
    ((line, reason),) = test_set.left_out
    assert line == 2
    assert why in reason


def test_repeated_rows_are_named() -> None:
    test_set = read({"input": "q", "target": "a"}, {"input": "q", "target": "b"}, CHAT, CHAT, CHAT)
    assert describe_rows(test_set) == ["Lines 4-5 repeat earlier rows."]


def test_cases_of_the_training_file_are_named_or_left_out() -> None:
    test_set = read({"input": "q", "target": "a"}, CHAT, {"input": "r", "target": "a"})
    prompts = [test_set.cases[1].fingerprints.prompt]
    named = test_set.with_trained(prompts, leave_out=False)
    assert len(named.cases) == 3
    assert "1 row has its question in the training file" in describe_rows(named)[0]
    assert "line 2" in describe_rows(named)[0]
    without = test_set.with_trained(prompts, leave_out=True)
    assert [case.line for case in without.cases] == [1, 3]
    assert describe_rows(without) == [
        "1 row left out:",
        "  line 2: its question is in the training file",
    ]


def test_lines_are_named_as_a_phrase() -> None:
    assert name_lines([3]) == "line 3"
    assert name_lines([2, 4, 5, 6, 12]) == "lines 2, 4-6 and 12"
    assert name_lines(range(1, 100, 2)) == "lines 1, 3, 5, 7, 9, 11, 13, 15 and 42 more"


NAMES = st.sampled_from(
    [
        *("messages", "input", "question", "prompt", "completion", "ideal", "target", "answer"),
        *("item", "vars", "assert", "type", "value", "role", "content", "__expected", "text", ""),
        *("instruction", "output", "conversations", "chosen", "rejected", "metadata", "tags"),
        *("group", "tests", "prompts", "choices", "testing_criteria", "system", "label"),
    ]
)


def rows(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(NAMES, inner, max_size=5)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | rows(inner),
    max_leaves=8,
)


@given(st.lists(rows(VALUES) | VALUES, min_size=2, max_size=6))
def test_no_row_vanishes_without_being_named(values: list[Any]) -> None:
    test_set = read(*values)
    lines = [case.line for case in test_set.cases] + [out.line for out in test_set.left_out]
    defined = is_definition_alone(values[0])
    assert sorted(lines) == [*range(2 if defined else 1, len(values) + 1)]
    assert all(case.messages and case.checks[0].answers for case in test_set.cases)
    assert all(out.reason.strip() for out in test_set.left_out)


@given(st.binary(max_size=200))
def test_any_line_gives_a_case_or_a_reason_on_one_line(data: bytes) -> None:
    (out,) = read_case_set([(1, parse_row(data))]).left_out
    assert out.reason
    assert "\n" not in out.reason


def test_whole_numbers_keep_all_their_digits() -> None:
    row = parse_row(json.dumps({"input": "q", "target": 12345678901234567890123}).encode())
    assert only(row).expected == "12345678901234567890123"
