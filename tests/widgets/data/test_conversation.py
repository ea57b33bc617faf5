"""The details of a row: every problem once and in its place, without control characters."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.rows.formats import Example
from tui.domain.rows.problems import problem
from tui.domain.text import has_unsafe
from tui.widgets.data.conversation import Block, conversation
from tui.widgets.data.row_json import row_json

CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "find", "arguments": '{"order": 7}'},
}
ROW: dict[str, Any] = {
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "Look:"}, {"type": "hologram"}]},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "found"},
        {"role": "assistant", "content": "It is there."},
    ]
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def texts(blocks: list[Block]) -> list[str]:
    return [block.content.plain for block in blocks]


@pytest.mark.parametrize(
    ("where", "above"),
    [
        ("messages[0].content[1].type", "[hologram]"),
        ("messages[1].tool_calls[0].function.arguments", '"order": 7'),
        ("messages[2].tool_call_id", "tool  answers call_1"),
        ("messages[3]", "assistant"),
    ],
)
def test_a_problem_is_shown_below_its_place(where: str, above: str) -> None:
    bad_part = problem("bad-part", 1, where, "It is wrong.")
    blocks = conversation(Example(ROW["messages"]), [bad_part])
    at = next(i for i, block in enumerate(blocks) if block.mark)
    assert blocks[at].content.plain.startswith("✗ bad-part  It is wrong.")
    assert above in blocks[at - 1].content.plain


def test_a_problem_of_the_whole_row_is_shown_above_it() -> None:
    blocks = conversation(Example(ROW["messages"]), [problem("no-assistant", 1)])
    assert blocks[0].mark


def test_the_json_marks_the_line_and_a_missing_key_at_the_end_of_its_object() -> None:
    raw = json.dumps(ROW)
    wrong = [
        problem("bad-content", 1, "messages[3].content"),
        problem("missing-role", 1, "messages[2].role_of_nobody"),
    ]
    lines = texts(row_json(raw, wrong))
    assert lines[lines.index('      "content": "It is there."') + 1].startswith("✗ bad-content")
    at = next(i for i, line in enumerate(lines) if line.startswith("✗ missing-role"))
    assert lines[at - 1] == "    },"
    assert '"content": "found"' in lines[at - 2]


def test_an_image_in_the_row_is_shown_by_type_and_size() -> None:
    data = "data:image/png;base64," + "A" * 50_000
    message: Any = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": data}}]}
    text = "\n".join(texts(conversation(Example([message]))))
    assert "[image] data:image/png;base64, 50,022 characters" in text


@given(json_values, st.lists(st.text(max_size=20), max_size=5))
def test_any_json_is_laid_out_safely_with_every_problem_once(
    value: object, places: list[str]
) -> None:
    wrong = [problem("bad-field", 1, place) for place in places]
    blocks = row_json(json.dumps(value), wrong)
    assert sum(block.mark for block in blocks) == len(wrong)
    assert not any(has_unsafe(line) for line in texts(blocks))


@given(st.text())
def test_text_that_is_not_json_is_shown_scrubbed(raw: str) -> None:
    assert not any(has_unsafe(line) for line in texts(row_json(raw)))


def test_a_row_nested_deeply_is_shown() -> None:
    assert row_json("[" * 500 + "]" * 500)
    assert row_json("[" * 100_000)
