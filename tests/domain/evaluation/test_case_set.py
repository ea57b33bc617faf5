"""Test sets: which rows become cases, and how other rows are reported."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.evaluation.cases import parse_test_set

CHAT = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Two and two?"},
        {"role": "assistant", "content": "4", "weight": 1},
    ]
}


def lines(*rows: object) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()


def test_the_last_answer_is_expected_and_the_messages_before_it_are_the_prompt() -> None:
    (case,) = parse_test_set(lines(CHAT))
    assert case.expected == "4"
    assert [message["role"] for message in case.messages] == ["system", "user"]
    assert case.prompt == "Two and two?"


def test_earlier_answers_stay_in_the_prompt_and_weights_are_not_sent() -> None:
    more = {"messages": [*CHAT["messages"], {"role": "user", "content": "And three?"}]}
    more["messages"].append({"role": "assistant", "content": "7"})
    (case,) = parse_test_set(lines(more))
    assert case.expected == "7"
    assert case.messages[2] == {"role": "assistant", "content": "4"}


def test_pairs_become_prompts_with_their_system_prompt() -> None:
    row = {"input": "Two and two?", "ideal_output": "4", "system": "Be brief."}
    (case,) = parse_test_set(lines(row))
    assert [message["content"] for message in case.messages] == ["Be brief.", "Two and two?"]
    assert case.expected == "4"


def test_typed_content_parts_are_sent_as_they_are_and_compared_as_text() -> None:
    row = {
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Two and two?"}]},
            {"role": "assistant", "content": [{"type": "text", "text": "4"}]},
        ]
    }
    (case,) = parse_test_set(lines(row))
    assert case.messages[0]["content"] == [{"type": "text", "text": "Two and two?"}]
    assert (case.prompt, case.expected) == ("Two and two?", "4")


def test_line_numbers_count_blank_lines_despite_a_byte_order_mark_and_crlf() -> None:
    data = b"\xef\xbb\xbf" + lines(CHAT) + b"\r\n\r\n\n" + lines(CHAT)
    assert [case.line for case in parse_test_set(data)] == [1, 4]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no cases"),
        (b"\n  \n", "no cases"),
        (lines(CHAT) + b"\n{", "line 2"),
        (lines([1]), "line 1: it is not an object"),
        (lines({"text": "x"}), "line 1: it has neither"),
        (lines({"messages": "x"}), "line 1: `messages` is not a list"),
        (lines({"messages": CHAT["messages"][:2]}), "line 1: there is no assistant message"),
        (lines({"messages": CHAT["messages"][2:]}), "line 1: there is no message before"),
        (lines({"input": "x", "ideal_output": 4}), "line 1: `ideal_output` is not text"),
        (
            lines({"messages": [CHAT["messages"][1], {"role": "assistant", "content": None}]}),
            "line 1: the last assistant message has no text",
        ),
        (lines({"prompt": "x", "chosen": "y", "rejected": "z"}), "line 1: it has a preferred and"),
        (
            lines({"input": {}, "preferred_output": [], "non_preferred_output": []}),
            "line 1: it has a preferred and",
        ),
        (b'{"input": "\xff", "ideal_output": "4"}', "line 1"),
    ],
)
def test_an_unusable_row_is_reported_with_its_line(data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_test_set(data)


@given(st.binary(max_size=200))
def test_any_bytes_give_cases_or_one_sentence(data: bytes) -> None:
    problem = ""
    try:
        cases = parse_test_set(data)
    except ValueError as error:
        cases, problem = [], str(error)
    assert bool(cases) != bool(problem)
    assert "\n" not in problem
