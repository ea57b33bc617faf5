"""A line is an example, or it is told everything that is wrong with it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.examples import Format
from tui.domain.problems import KINDS
from tui.domain.rules import check_count, check_line, inspect_row

OUTPUT = '{"category": "bug"}'
USER = {"role": "user", "content": "The lamp is dark."}
ANSWER = {"role": "assistant", "content": OUTPUT}
CALL = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"q": 1}'}}


def row(*messages: Any, **more: Any) -> bytes:
    return json.dumps({"messages": list(messages), **more}).encode()


def calling(*calls: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(calls)}


def answer_to(name: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": name, "content": "found"}


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

BAD = [
    ("not-utf8", b'{"messages": "\xff"}'),
    ("not-json", b'{"messages": ['),
    ("not-json", b"{'messages': []}"),
    ("not-json", b"[" * 5000),
    ("not-json", b"1" * 5000),
    ("not-json", b'{"messages": "\x00"}'),
    ("not-json", row(USER, ANSWER) + row(USER, ANSWER)),
    ("not-a-number", row(USER, ANSWER)[:-1] + b', "score": NaN}'),
    ("lone-surrogate", b'{"messages": [{"role": "user", "content": "\\ud83d"}]}'),
    ("duplicate-key", b'{"messages": [], ' + row(USER, ANSWER)[1:]),
    ("duplicate-key", b'{"messages": [{"role": "user"}], ' + row(USER, ANSWER)[1:]),
    ("duplicate-key", row(USER, ANSWER).replace(b'"role": "user"', b'"role": "x", "role": "user"')),
    ("duplicate-key", row(USER, ANSWER, tools=[]).replace(b'"tools"', b'"tools": [], "tools"')),
    ("byte-order-mark", b"\xef\xbb\xbf" + row(USER, ANSWER)),
    ("not-object", b"[1, 2]"),
    ("not-object", b"null"),
    ("no-messages", b"{}"),
    ("no-messages", row()),
    ("bad-field", b'{"messages": "hello"}'),
    ("message-not-object", row(USER, "hello", ANSWER)),
    ("missing-role", row({"content": "hello"}, ANSWER)),
    ("unknown-role", row(USER, {"role": "bot", "content": OUTPUT})),
    ("unknown-role", row({"role": "User", "content": "hello"}, ANSWER)),
    ("unknown-role", row({"role": ["user"], "content": "hello"}, ANSWER)),
    ("unknown-key", row({**USER, "contnet": "x"}, ANSWER)),
    ("unknown-field", row(USER, ANSWER, id=3)),
    ("no-assistant", row(USER)),
    ("no-user", row(ANSWER)),
    ("last-not-assistant", row(USER, ANSWER, USER)),
    ("not-alternating", row(USER, USER, ANSWER)),
    ("system-not-first", row(USER, {"role": "system", "content": "x"}, ANSWER)),
    ("missing-content", row({"role": "user"}, ANSWER)),
    ("missing-content", row({"role": "user", "content": None}, ANSWER)),
    ("missing-content", row(USER, {"role": "assistant", "content": None})),
    ("empty-content", row({"role": "user", "content": " \n"}, ANSWER)),
    ("empty-content", row(USER, {"role": "assistant", "content": ""})),
    ("empty-content", row({"role": "user", "content": []}, ANSWER)),
    ("empty-system", row({"role": "system", "content": ""}, USER, ANSWER)),
    ("bad-content", row({"role": "user", "content": 5}, ANSWER)),
    ("bad-part", row({"role": "user", "content": ["x"]}, ANSWER)),
    ("bad-part", row({"role": "user", "content": [{"type": "hologram"}]}, ANSWER)),
    ("bad-part", row({"role": "user", "content": [{"type": "text"}]}, ANSWER)),
    ("bad-part", row(USER, {"role": "assistant", "content": [{"type": "image_url"}]})),
    ("bad-weight", row(USER, {**ANSWER, "weight": 0.5})),
    ("bad-weight", row(USER, {**ANSWER, "weight": True})),
    ("bad-weight", row({**USER, "weight": 1}, ANSWER)),
    ("nothing-to-learn", row(USER, {**ANSWER, "weight": 0})),
    ("bad-name", row({**USER, "name": 3}, ANSWER)),
    ("bad-tools", row(USER, ANSWER, tools={})),
    ("bad-tools", row(USER, ANSWER, tools=[{"name": "find"}])),
    ("bad-tool-call", row(USER, calling())),
    ("bad-tool-call", row(USER, calling("find"))),
    ("bad-tool-call", row(USER, calling({**CALL, "id": ""}))),
    ("bad-tool-call", row(USER, calling({"id": "c1", "function": {}}))),
    ("bad-tool-call", row(USER, calling({"id": "c1", "function": {"name": "find"}}))),
    ("bad-tool-call", row(USER, calling({**CALL, "type": "rpc"}))),
    ("tool-call-on-wrong-role", row({**USER, "tool_calls": [CALL]}, answer_to("c1"), ANSWER)),
    (
        "tool-arguments-not-string",
        row(USER, calling({"id": "c1", "function": {"name": "find", "arguments": {}}})),
    ),
    (
        "tool-arguments-not-json",
        row(USER, calling({"id": "c1", "function": {"name": "find", "arguments": "{q"}})),
    ),
    ("tool-call-without-answer", row(USER, calling(CALL), USER, ANSWER)),
    ("tool-without-call", row(USER, answer_to("c9"), ANSWER)),
    ("missing-tool-call-id", row(USER, calling(CALL), {"role": "tool", "content": "x"}, ANSWER)),
    ("duplicate-tool-call-id", row(USER, calling(CALL, CALL), answer_to("c1"), ANSWER)),
    (
        "unknown-tool",
        row(USER, calling(CALL), tools=[{"type": "function", "function": {"name": "other"}}]),
    ),
    ("output-too-short", row(USER, {"role": "assistant", "content": "x" * 10})),
    ("output-too-long", row(USER, {"role": "assistant", "content": "x" * 2000})),
    ("other-format", b'{"input": "a", "ideal_output": "b"}'),
]


@pytest.mark.parametrize("raw", GOOD)
def test_a_good_row_has_no_problem(raw: bytes) -> None:
    example, problems = check_line(raw, 1)
    assert problems == []
    assert example is not None
    assert example.last_text("assistant")


@pytest.mark.parametrize(("code", "raw"), BAD)
def test_what_is_wrong_is_told_by_its_code(code: str, raw: bytes) -> None:
    example, problems = check_line(raw, 7)
    assert code in {problem.code for problem in problems}
    for problem in problems:
        assert problem.line == 7
        assert problem.severity == KINDS[problem.code].severity
        assert problem.message.endswith((".", "?", ")"))
        assert problem.fix.endswith((".", "."))
    assert (example is None) == any(problem.severity == "error" for problem in problems)


def test_every_problem_of_a_row_is_told_and_errors_come_first() -> None:
    raw = row({"role": "bot", "content": ""}, {"role": "user", "weight": 2}, extra=1)
    problems = check_line(raw, 3)[1]
    assert {"unknown-role", "empty-content", "missing-content", "bad-weight", "no-assistant"} <= {
        problem.code for problem in problems
    }
    severities = [problem.severity for problem in problems]
    assert severities == sorted(severities)


def test_the_place_of_a_problem_is_named() -> None:
    problems = check_line(row(USER, {"role": "bot", "content": OUTPUT}), 1)[1]
    places = {problem.code: problem.where for problem in problems}
    assert places["unknown-role"] == "messages[1].role"
    assert 'Did you mean "assistant"?' in problems[0].message


def test_a_preference_row_is_checked_as_one() -> None:
    good = {
        "input": {"messages": [USER]},
        "preferred_output": [ANSWER],
        "non_preferred_output": [{"role": "assistant", "content": "no"}],
    }
    raw = json.dumps(good).encode()
    assert codes(raw, Format.PREFERENCE) == set()
    assert codes(raw) == {"other-format"}
    same = json.dumps({**good, "non_preferred_output": [ANSWER]}).encode()
    assert codes(same, Format.PREFERENCE) == {"same-preference"}
    asked = json.dumps({**good, "preferred_output": [USER]}).encode()
    assert codes(asked, Format.PREFERENCE) == {"bad-preference"}


def test_raw_pairs_are_told_in_their_own_fields() -> None:
    pair = {"input": "The lamp is dark.", "ideal_output": OUTPUT}
    assert codes(json.dumps(pair).encode(), Format.PAIRS) == set()
    problems = check_line(b'{"input": "", "ideal_output": "short"}', 2, Format.PAIRS)[1]
    assert [(problem.code, problem.where) for problem in problems] == [
        ("empty-content", "input"),
        ("output-too-short", "ideal_output"),
    ]
    assert codes(b'{"ideal_output": 5}', Format.PAIRS) == {"missing-field", "bad-field"}


def test_fewer_than_ten_examples_are_refused() -> None:
    assert [problem.code for problem in check_count(0)] == ["empty-file"]
    assert [problem.code for problem in check_count(9)] == ["too-few-examples"]
    assert check_count(10) == []


@given(raw=st.sampled_from(GOOD), data=st.data())
def test_random_damage_never_crashes_nor_moves_the_line(raw: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(raw) - 1))
    cut = data.draw(st.integers(0, 8))
    put = data.draw(st.binary(max_size=8)).replace(b"\n", b"")
    example, problems = check_line(raw[:at] + put + raw[at + cut :], 41)
    assert {problem.line for problem in problems} <= {41}
    assert (example is None) == any(problem.severity == "error" for problem in problems)


def lacks_structure(value: Any) -> bool:
    """An independent, slow statement of what a usable chat row needs at the least."""
    if not isinstance(value, dict) or not isinstance(value.get("messages"), list):
        return True
    messages = value["messages"]
    if not all(isinstance(one, dict) for one in messages):
        return True
    known = {"system", "developer", "user", "assistant", "tool", "function"}
    roles = [one.get("role") for one in messages]
    if not all(isinstance(role, str) and role in known for role in roles):
        return True
    said = all(
        (isinstance(one.get("content"), str | list) and one["content"])
        or one.get("tool_calls")
        or one.get("role") == "system"
        for one in messages
    )
    return "assistant" not in roles or not said


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
PATHS = st.lists(st.integers(0, 5), max_size=4)


@given(raw=st.sampled_from(GOOD), path=PATHS, new=JSON | st.just("DELETE"))
def test_a_structurally_broken_row_is_never_let_through(
    raw: bytes, path: list[int], new: Any
) -> None:
    value = json.loads(raw)
    part: Any = value
    for step in path:
        keys = list(part) if isinstance(part, dict) else list(range(len(part)))
        if not keys:
            break
        key = keys[step % len(keys)]
        if step != path[-1] and isinstance(part[key], dict | list):
            part = part[key]
        elif new == "DELETE":
            del part[key]
            break
        else:
            part[key] = new
            break
    example, problems = check_line(json.dumps(value).encode(), 1)
    if lacks_structure(value):
        assert example is None, problems


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
def test_a_key_that_stands_twice_is_always_seen(raw: bytes, key: str, data: st.DataObject) -> None:
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


def test_a_plain_row_takes_the_short_way() -> None:
    assert inspect_row(GOOD[0]) == (json.loads(GOOD[0]), [])
