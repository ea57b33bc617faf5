"""A line becomes an example, or every problem in it is reported."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.problem_cases import (
    ANSWER,
    CALL,
    MISTRAL,
    OUTPUT,
    TOGETHER,
    TOOL,
    USER,
    answer_to,
    assistant_row,
    calling,
    preference,
    row,
)

from tui.domain.rows.check_options import CheckOptions
from tui.domain.rows.formats import Format, detect_format
from tui.domain.rules.structure import check_line, inspect_row, is_plain


def codes(raw: bytes, kind: Format = Format.CHAT) -> set[str]:
    return {problem.code for problem in check_line(raw, 7, kind)[1]}


GOOD = [
    row(USER, ANSWER),
    row({"role": "system", "content": "Reply with JSON."}, USER, ANSWER),
    row(USER, ANSWER, USER, {**ANSWER, "weight": 1}),
    row(USER, calling(CALL), answer_to("c1"), ANSWER),
    row(USER, calling(CALL, {**CALL, "id": "c2"}), answer_to("c2"), answer_to("c1"), ANSWER),
    row(USER, calling(CALL)),
    row(USER, ANSWER, tools=[{"type": "function", "function": {"name": "find"}}]),
    row({"role": "user", "content": [{"type": "text", "text": "Look"}]}, ANSWER),
    row(
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": "https://example.com/lamp.png"}}
            ],
        },
        ANSWER,
    ),
    row({"role": "developer", "content": "Reply with JSON."}, USER, ANSWER),
    row({"role": "user", "content": 'It says "role": "content" and {"messages": 1}'}, ANSWER),
    row({"role": "user", "content": ": a colon first \\"}, ANSWER, parallel_tool_calls=False),
    row(USER, {"role": "assistant", "content": "x" * 11}),
    row(USER, {"role": "assistant", "content": "x" * 1999}),
]


@pytest.mark.parametrize("raw", GOOD)
def test_a_good_row_has_no_problem(raw: bytes) -> None:
    example, problems = check_line(raw, 1)
    assert problems == []
    assert example is not None
    assert example.last_text("assistant")


NO_FIELDS = dict.fromkeys(
    ("tools", "functions", "function_call", "parallel_tool_calls", "metadata", "id", "source")
)
NO_KEYS = dict.fromkeys(
    ("name", "weight", "tool_calls", "tool_call_id", "function_call", "refusal", "audio", "Role")
)
NULLS = [
    (row(USER, ANSWER, **NO_FIELDS), Format.CHAT),
    (row({**USER, **NO_KEYS}, {**ANSWER, **NO_KEYS}), Format.CHAT),
    (row({**USER, "answer": None}, {**ANSWER, "value": None}), Format.CHAT),
    (
        row(USER, calling({**CALL, "type": None, "index": None}), answer_to("c1"), ANSWER),
        Format.CHAT,
    ),
    (
        row(
            USER,
            ANSWER,
            tools=[{"function": {"name": "find", "description": None, "parameters": None}}],
        ),
        Format.CHAT,
    ),
    (
        row(
            {"role": "user", "content": [{"type": "text", "text": "Look", "image_url": None}]},
            ANSWER,
        ),
        Format.CHAT,
    ),
    (
        preference(
            input={"messages": [USER], "tools": None, "system": None}, metadata=None, id=None
        ),
        Format.PREFERENCE,
    ),
    (
        json.dumps(
            {
                "conversations": [
                    {"from": "human", "value": "Where?", "role": None, "weight": None},
                    {"role": "assistant", "content": OUTPUT, "from": None, "value": None},
                ],
                "system": None,
                "tools": None,
            }
        ).encode(),
        Format.SHAREGPT,
    ),
    (
        json.dumps(
            {
                "instruction": None,
                "prompt": "Where?",
                "chosen": OUTPUT,
                "rejected": "Nowhere at all.",
            }
        ).encode(),
        Format.CHOSEN_REJECTED,
    ),
]


@pytest.mark.parametrize(("raw", "kind"), NULLS)
def test_a_field_that_is_null_is_not_there(raw: bytes, kind: Format) -> None:
    assert detect_format(json.loads(raw)) is kind
    assert check_line(raw, 1, kind)[1] == []


def test_a_prompt_with_null_fields_only_is_not_one_for_a_grader() -> None:
    assert detect_format({"messages": [USER], "answer": None}) is Format.CHAT
    assert detect_format({"messages": [USER], "answer": 7}) is Format.REINFORCEMENT


@pytest.mark.parametrize("field", ["content", "role"])
def test_a_message_needs_text_and_role_whether_they_are_null_or_missing(field: str) -> None:
    given = {**USER, field: None}
    for message in (given, {key: given[key] for key in given if key != field}):
        (problem,) = check_line(row(USER, ANSWER, message, ANSWER), 1)[1]
        assert (problem.code, problem.severity) == (f"missing-{field}", "error")


def test_together_refuses_null_fields_and_weights_as_its_own_check_does() -> None:
    raw = row(USER, {**ANSWER, "weight": None}, source=None)
    problems = check_line(raw, 1, options=TOGETHER)[1]
    assert [(problem.code, problem.severity) for problem in problems] == [
        ("bad-weight", "error"),
        ("unknown-field", "error"),
    ]


def test_mistral_needs_parameters_that_are_not_null() -> None:
    tool = {"type": "function", "function": {"name": "find", "description": "", "parameters": None}}
    (problem,) = check_line(row(USER, ANSWER, tools=[tool]), 1, options=MISTRAL)[1]
    assert problem.message == "Mistral also requires `parameters`."


def test_every_problem_of_a_row_is_reported_with_errors_first() -> None:
    raw = row({"role": "bot", "content": ""}, {"role": "user", "weight": 2}, extra=1)
    problems = check_line(raw, 3)[1]
    assert {"unknown-role", "empty-content", "missing-content", "bad-weight", "no-assistant"} <= {
        problem.code for problem in problems
    }
    severities = [problem.severity for problem in problems]
    assert severities == sorted(severities)


def test_a_problem_is_reported_with_its_place() -> None:
    problems = check_line(row(USER, {"role": "bot", "content": OUTPUT}), 1)[1]
    places = {problem.code: problem.where for problem in problems}
    assert places["unknown-role"] == "messages[1].role"
    assert 'Did you mean "assistant"?' in problems[0].message


def test_a_preference_row_is_checked_by_its_own_rules() -> None:
    assert codes(preference(), Format.PREFERENCE) == set()
    assert codes(preference()) == {"other-format"}
    without_assistant = preference(preferred_output=[USER])
    assert codes(without_assistant, Format.PREFERENCE) == {"bad-preference"}
    for value in (True, 7, "text"):
        assert codes(preference(preferred_output=value), Format.PREFERENCE) == {"bad-field"}
    short = preference(preferred_output=[{**ANSWER, "content": "bug"}], note=1)
    assert codes(short, Format.PREFERENCE) == {"output-too-short", "unknown-field"}
    called = preference(input={"messages": [USER, calling(CALL)], "tools": [TOOL], "x": 1})
    places = {problem.where for problem in check_line(called, 1, Format.PREFERENCE)[1]}
    assert places == {"input.x", "input.messages[1]"}


def test_a_number_too_large_for_parsers_is_named() -> None:
    (problem,) = check_line(b'{"messages": [], "x": 1E400}', 1)[1][:1]
    assert (problem.code, problem.message) == (
        "not-json",
        'The number "1E400" is too large for most JSON parsers.',
    )


def test_a_service_may_turn_a_warning_into_an_error() -> None:
    raw = row(USER, ANSWER, USER)
    assert [problem.severity for problem in check_line(raw, 1)[1]] == ["warning"]
    example, (problem,) = check_line(raw, 1, options=MISTRAL)
    assert (example, problem.severity) == (None, "error")


@pytest.mark.parametrize("length", [10, 11, 1999, 2000])
def test_length_limits_apply_on_the_fast_path_too(length: int) -> None:
    raw = assistant_row("x" * length)
    wide = CheckOptions(shortest_output=length - 1, longest_output=length + 1)
    assert is_plain(json.loads(raw), raw, wide)
    narrow = CheckOptions(shortest_output=length, longest_output=length + 1)
    assert not is_plain(json.loads(raw), raw, narrow)
    assert [problem.code for problem in check_line(raw, 1, options=narrow)[1]] == [
        "output-too-short"
    ]


def test_problems_of_pairs_name_the_fields_of_the_pair() -> None:
    pair = {"input": "The lamp is dark.", "ideal_output": OUTPUT}
    assert codes(json.dumps(pair).encode(), Format.PAIRS) == set()
    problems = check_line(b'{"input": "", "ideal_output": "short"}', 2, Format.PAIRS)[1]
    assert [(problem.code, problem.where) for problem in problems] == [
        ("empty-content", "input"),
        ("output-too-short", "ideal_output"),
    ]
    assert codes(b'{"ideal_output": 5}', Format.PAIRS) == {"missing-field", "bad-field"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@given(value=JSON)
def test_no_json_value_crashes_the_rules(value: Any) -> None:
    raw = json.dumps({"messages": value, "tools": value}).encode()
    for kind in Format:
        check_line(raw, 1, kind)
        check_line(json.dumps(value).encode(), 1, kind)


@given(
    raw=st.sampled_from(GOOD),
    key=st.sampled_from(["role", "content", "messages"]),
    data=st.data(),
)
def test_a_duplicate_key_is_always_found(raw: bytes, key: str, data: st.DataObject) -> None:
    quoted = f'"{key}": '.encode()
    starts = [
        at for at in range(len(raw)) if raw.startswith(quoted, at) and raw[at - 1 : at] != b"\\"
    ]
    at = data.draw(st.sampled_from(starts))
    doubled = (
        raw[:at] + quoted + data.draw(st.sampled_from([b"[], ", b'"x", ', b"null, "])) + raw[at:]
    )
    try:
        json.loads(doubled)
    except ValueError:
        return
    assert "duplicate-key" in codes(doubled)


def test_a_plain_row_takes_the_fast_path() -> None:
    assert inspect_row(GOOD[0]) == (json.loads(GOOD[0]), [])


def test_problems_of_alpaca_rows_name_the_system_and_history_fields() -> None:
    alpaca = {
        "instruction": "And now?",
        "output": "bug",
        "system": " ",
        "history": [["The lamp is dark.", ""]],
    }
    problems = check_line(json.dumps(alpaca).encode(), 1, Format.ALPACA)[1]
    assert {(problem.code, problem.where) for problem in problems} == {
        ("empty-system", "system"),
        ("empty-content", "history[0][1]"),
        ("output-too-short", "output"),
    }
