"""What the embedded engine cannot train on: one table, and the check by its rules says the same."""

from __future__ import annotations

from typing import Any

import pytest
from support.problem_cases import (
    ANSWER,
    CALL,
    LINK,
    TOOL,
    USER,
    answer_to,
    calling,
    image,
    parts_row,
    preference,
    row,
)

from tui.domain.rows.check_options import CheckOptions
from tui.domain.rows.formats import Format
from tui.domain.rules.engine_refusals import engine_refusals, part_text, supports_tools
from tui.domain.rules.structure import check_line

LOCAL = CheckOptions(rules_of="local")
NO_TOOLS = CheckOptions(rules_of="local", tools_supported=False)
REFUSED = {"unsupported-part", "template-without-tools", "deprecated-key"}


def refused(
    raw: bytes, options: CheckOptions, kind: Format = Format.CHAT
) -> list[tuple[str, str, str]]:
    problems = check_line(raw, 1, kind, options)[1]
    return [(each.code, each.where, each.severity) for each in problems if each.code in REFUSED]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            {"role": "user", "content": [{"type": "text", "text": "Look"}, image(LINK)]},
            ("unsupported-part", "messages[0].content[1]", '"image_url"; only text'),
        ),
        (
            {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}},
            ("deprecated-key", "messages[0].function_call", "write it as tool_calls"),
        ),
        (
            {"role": "assistant", "audio": {"id": "a1"}},
            ("unsupported-part", "messages[0].audio", "answers with audio"),
        ),
        (calling(CALL), ("template-without-tools", "messages[0].tool_calls", "support tools")),
    ],
)
def test_each_refusal_has_a_code_a_place_and_a_reason(
    message: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    ((code, where, reason),) = engine_refusals({}, {"messages": [message]}, False)
    assert (code, where) == expected[:2]
    assert expected[2] in reason


def test_declarations_are_refused_in_the_old_form_or_without_a_place() -> None:
    old = [*engine_refusals({"functions": [{"name": "f"}]}, {}, True)]
    assert [(code, where) for code, where, _ in old] == [("deprecated-key", "functions")]
    row = {"tools": [TOOL]}
    assert [code for code, _, _ in engine_refusals(row, {}, False)] == ["template-without-tools"]
    for known in (True, None):
        messages = {"messages": [USER, calling(CALL), answer_to("c1"), ANSWER]}
        assert not [*engine_refusals(row, messages, known)], "nothing is guessed"


def test_damaged_rows_do_not_crash_the_table() -> None:
    wild: list[Any] = [None, 1, "x", [], {"content": [None, 3, {"type": []}]}, {"tool_calls": 5}]
    for value in wild:
        assert list(engine_refusals({"tools": 3}, {"messages": value, "m": wild}, False))


def test_the_text_of_a_part_is_read_and_an_image_has_none() -> None:
    assert part_text({"type": "text", "text": "a"}) == "a"
    assert part_text({"type": "refusal", "refusal": "No."}) == "No."
    assert part_text(image(LINK)) is None


def test_a_template_supports_tools_if_it_mentions_them() -> None:
    assert supports_tools("{% if tools %}{{ tools | tojson }}{% endif %}")
    assert supports_tools([{"name": "tool_use", "template": "{{ messages }}"}])
    assert not supports_tools("{{ messages }}")


def test_the_check_refuses_what_the_engine_refuses() -> None:
    assert refused(parts_row(image(LINK)), LOCAL) == [
        ("unsupported-part", "messages[0].content[0]", "error")
    ]
    tools = row(USER, calling(CALL), answer_to("c1"), ANSWER, tools=[TOOL])
    assert refused(tools, LOCAL) == []
    assert refused(tools, NO_TOOLS) == [("template-without-tools", "tools", "error")]
    elsewhere = CheckOptions(tools_supported=False)
    assert refused(tools, elsewhere) == [("template-without-tools", "tools", "warning")]
    old = row(USER, ANSWER, functions=[{"name": "f"}])
    assert refused(old, LOCAL) == [("deprecated-key", "functions", "error")]


def test_preference_rows_are_checked_for_the_same() -> None:
    old = {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}}
    raw = preference(preferred_output=[old])
    assert refused(raw, LOCAL, Format.PREFERENCE) == [
        ("deprecated-key", "preferred_output[0].function_call", "error")
    ]
    raw = preference(input={"messages": [USER], "tools": [TOOL]})
    assert refused(raw, NO_TOOLS, Format.PREFERENCE) == [
        ("template-without-tools", "tools", "error")
    ]
