"""The arguments of a call are held against the parameters of the function; never an error."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.problem_cases import ANSWER, CALL, USER, calling, preference, row

from tui.domain.rows.check_options import CheckOptions, RulesOf
from tui.domain.rows.formats import Format
from tui.domain.rules.structure import check_line
from tui.domain.rules.tool_arguments import check_arguments

CODE = "tool-arguments-mismatch"
STOCK = {
    "type": "object",
    "properties": {
        "part": {"type": "string"},
        "count": {"type": "integer"},
        "unit": {"type": ["string", "null"], "enum": ["piece", "box", None]},
        "lines": {
            "type": "array",
            "items": {"type": "object", "properties": {"id": {"type": "number"}}},
        },
    },
    "required": ["part"],
}


def declared(parameters: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "find", "parameters": parameters}}


def called(arguments: Any) -> dict[str, Any]:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    call: dict[str, Any] = calling({**CALL, "function": {"name": "find", "arguments": text}})
    return call


def mismatches(arguments: Any, parameters: Any) -> list[str]:
    raw = row(USER, called(arguments), tools=[declared(parameters)])
    problems = [each for each in check_line(raw, 1)[1] if each.code == CODE]
    assert all(problem.severity == "warning" for problem in problems)
    places = {problem.where for problem in problems}
    assert places <= {"messages[1].tool_calls[0].function.arguments"}
    return [problem.message for problem in problems]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({}, 'The required argument "part" is missing.'),
        ({"part": 5}, 'The argument "part" is 5, not a string.'),
        ({"part": None}, 'The argument "part" is null, not a string.'),
        ({"part": "p0", "colour": "red"}, 'The argument "colour" is not declared.'),
        ({"part": "p0", "count": "3"}, 'The argument "count" is "3", not an integer.'),
        ({"part": "p0", "count": 2.5}, 'The argument "count" is 2.5, not an integer.'),
        ({"part": "p0", "count": True}, 'The argument "count" is true, not an integer.'),
        ({"part": "p0", "unit": "kg"}, 'The argument "unit" is "kg", which `enum` does not list.'),
        ({"part": "p0", "unit": 1}, 'The argument "unit" is 1, not a string or null.'),
        (
            {"part": "p0", "lines": [{"id": 1}, {"id": "2"}]},
            'The argument "lines[1].id" is "2", not a number.',
        ),
        ({"part": ["p0"]}, 'The argument "part" is a list, not a string.'),
        ({"part": "p0", "lines": [{"x": 1}]}, 'The argument "lines[0].x" is not declared.'),
    ],
)
def test_arguments_that_the_function_does_not_accept_are_named(
    arguments: dict[str, Any], sentence: str
) -> None:
    assert mismatches(arguments, STOCK) == [sentence]


@pytest.mark.parametrize(
    "arguments",
    [
        {"part": "p0"},
        {"part": "p0", "count": 3.0, "unit": None, "lines": []},
        {"part": "p0", "count": 0, "unit": "box", "lines": [{"id": 1.5}, {}]},
        "{not json",
    ],
)
def test_arguments_that_fit_are_not_named(arguments: Any) -> None:
    assert mismatches(arguments, STOCK) == []


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"type": "object"},
        {"type": "object", "properties": {}, "additionalProperties": True},
        {"type": "object", "properties": {}, "additionalProperties": {"type": "string"}},
        {"properties": {}, "patternProperties": {".*": {}}},
        {"properties": {}, "allOf": [{"properties": {"colour": {}}}]},
        {"type": "dict", "properties": {"colour": {"type": "str"}}},
        {"properties": {"colour": {"type": "integer", "nullable": True}}},
        {"properties": {"colour": None}},
    ],
)
def test_what_the_schema_does_not_say_is_not_guessed(parameters: dict[str, Any]) -> None:
    assert mismatches({"colour": None}, parameters) == []


def test_undeclared_arguments_are_named_where_the_schema_is_closed() -> None:
    closed = {"properties": {}, "additionalProperties": False, "allOf": [{}]}
    assert mismatches({"colour": 1}, closed) == ['The argument "colour" is not declared.']


def test_at_most_five_findings_are_reported_of_one_call() -> None:
    assert len(mismatches({str(n): n for n in range(99)}, {"properties": {}})) == 5


def test_calls_in_the_answers_of_a_preference_row_and_in_the_old_form_are_checked() -> None:
    prompt = {"messages": [USER], "tools": [declared(STOCK)]}
    raw = preference(input=prompt, preferred_output=[called({})])
    found = [each.where for each in check_line(raw, 1, Format.PREFERENCE)[1] if each.code == CODE]
    assert found == ["preferred_output[0].tool_calls[0].function.arguments"]
    old = {"role": "assistant", "function_call": {"name": "find", "arguments": "{}"}}
    raw = row(USER, old, functions=[{"name": "find", "parameters": STOCK}])
    found = [each.where for each in check_line(raw, 1)[1] if each.code == CODE]
    assert found == ["messages[1].function_call.arguments"]


@pytest.mark.parametrize("service", get_args(RulesOf))
def test_no_service_refuses_a_row_for_its_arguments(service: RulesOf) -> None:
    call = {**CALL, "id": "abcdefgh0", "function": {"name": "find", "arguments": "{}"}}
    tool = {"name": "find", "description": "Finds.", "parameters": STOCK}
    answer = {"role": "tool", "tool_call_id": "abcdefgh0", "content": "3"}
    tools = [{"type": "function", "function": tool}]
    raw = row(USER, calling(call), answer, ANSWER, tools=tools)
    example, problems = check_line(raw, 1, options=CheckOptions(rules_of=service))
    assert example is not None
    assert [problem.code for problem in problems] == [CODE]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)
KEYWORDS = ["type", "enum", "required", "properties", "items", "additionalProperties", "nullable"]
SCHEMAS = st.recursive(
    VALUES | st.sampled_from(["object", "array", "string", "integer", "number", "null"]),
    lambda inner: (
        st.dictionaries(st.sampled_from(KEYWORDS), inner)
        | st.dictionaries(st.sampled_from("abc"), inner)
        | st.lists(inner, max_size=3)
    ),
    max_leaves=20,
)


@given(schema=SCHEMAS, arguments=VALUES | st.dictionaries(st.sampled_from("abc"), VALUES))
def test_no_schema_and_no_arguments_crash_the_check(schema: Any, arguments: Any) -> None:
    messages = [USER, called(arguments), calling({"function": {"name": "find"}}), schema]
    tools = [declared(schema), schema]
    for code, _, sentence in check_arguments(
        {"tools": tools, "functions": schema}, {"m": messages}
    ):
        assert code == CODE
        assert sentence.endswith(".")


def test_a_deep_or_infinite_value_does_not_crash_the_check() -> None:
    schema: dict[str, Any] = {"type": "array"}
    schema["items"] = schema
    deep = "[" * 900 + "]" * 900
    messages = [called(f'{{"a": {deep}}}')]
    tools = [declared({"properties": {"a": schema}})]
    assert list(check_arguments({"tools": tools}, {"messages": messages})) == []
    tools = [declared({"properties": {"a": {"type": "string"}}})]
    assert len(list(check_arguments({"tools": tools}, {"messages": messages}))) == 1
    infinite = [{"tool_calls": [{"function": {"name": "f", "arguments": {"n": float("inf")}}}]}]
    whole = [{"name": "f", "parameters": {"properties": {"n": {"type": "integer"}}}}]
    assert len(list(check_arguments({"functions": whole}, {"messages": infinite}))) == 1
