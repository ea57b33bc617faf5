"""Each shape of an export becomes rows of a known format, and nothing in them is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.conversion.left_out import lost_fields
from tui.domain.conversion.shapes import SHAPES, converted_row, find_shapes
from tui.domain.fixes.written_rows import dropped_fields
from tui.domain.rows.formats import Format
from tui.domain.rules.structure import check_line

ASKED = {"role": "user", "content": "Where?"}
HERE = {"role": "assistant", "content": "Here."}
SYSTEM = {"role": "system", "content": "Be brief."}
FIND = {"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}


def called(call_id: str) -> list[dict[str, Any]]:
    function = {"name": "find", "arguments": '{"part": "a7"}'}
    call = {"id": call_id, "type": "function", "function": function}
    return [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": call_id, "content": "three"},
    ]


def task(*texts: str, **data: str) -> dict[str, Any]:
    """A task of Label Studio with one annotation for each text."""
    results = [[{"type": "textarea", "value": {"text": [text]}}] for text in texts]
    return {"annotations": [{"result": result} for result in results], "data": data}


CASES: list[tuple[str, Any, dict[str, Any]]] = [
    ("of lists of messages", [ASKED, HERE], {"messages": [ASKED, HERE]}),
    ("of the dataset viewer", {"row_idx": 7, "row": {"text": "a"}}, {"text": "a"}),
    (
        "with turns as lists",
        {"conversations": {"from": ["human", "gpt"], "value": ["a", "b"]}},
        {"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]},
    ),
    (
        "of Gemini's API",
        {
            "systemInstruction": {"parts": [{"text": "Be brief."}]},
            "contents": [
                {"role": "user", "parts": [{"text": "Where?"}]},
                {
                    "role": "model",
                    "parts": [{"functionCall": {"name": "find", "args": {"part": "a7"}}}],
                },
                {
                    "role": "user",
                    "parts": [{"functionResponse": {"name": "find", "response": "three"}}],
                },
                {"role": "model", "parts": [{"text": "Here."}]},
            ],
            "tools": [{"functionDeclarations": [FIND["function"]]}],
        },
        {
            "messages": [
                SYSTEM,
                ASKED,
                called("call_3")[0],
                {**called("call_3")[1], "name": "find"},
                HERE,
            ],
            "tools": [FIND],
        },
    ),
    (
        "of Amazon Bedrock",
        {
            "schemaVersion": "bedrock-conversation-2024",
            "system": [{"text": "Be brief."}],
            "messages": [
                {"role": "user", "content": [{"text": "Where?"}]},
                {
                    "role": "assistant",
                    "content": [
                        {"toolUse": {"toolUseId": "t1", "name": "find", "input": {"part": "a7"}}}
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {"toolResult": {"toolUseId": "t1", "content": [{"text": "three"}]}}
                    ],
                },
                {"role": "assistant", "content": [{"text": "Here."}]},
            ],
            "toolConfig": {
                "tools": [
                    {"toolSpec": {"name": "find", "inputSchema": {"json": {"type": "object"}}}}
                ]
            },
        },
        {"messages": [SYSTEM, ASKED, *called("t1"), HERE], "tools": [FIND]},
    ),
    (
        "of Anthropic's API",
        {
            "system": "Be brief.",
            "messages": [
                ASKED,
                {
                    "role": "assistant",
                    "content": [
                        {"type": "tool_use", "id": "t1", "name": "find", "input": {"part": "a7"}}
                    ],
                },
                {
                    "role": "user",
                    "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "three"}],
                },
                {"role": "assistant", "content": [{"type": "text", "text": "Here."}]},
            ],
            "tools": [{"name": "find", "input_schema": {"type": "object"}}],
        },
        {"messages": [SYSTEM, ASKED, *called("t1"), HERE], "tools": [FIND]},
    ),
    (
        "with `system` beside the messages",
        {"system": "Be brief.", "messages": [ASKED, HERE]},
        {"messages": [SYSTEM, ASKED, HERE]},
    ),
    (
        "of stored completions",
        {
            "messages": [ASKED],
            "choices": [
                {"index": 0, "message": {**HERE, "refusal": None}, "finish_reason": "stop"}
            ],
            "model": "m",
        },
        {"messages": [ASKED, HERE], "model": "m"},
    ),
    (
        "of Label Studio",
        task("Here.", prompt="Where?", source="mail"),
        {"prompt": "Where?", "source": "mail", "completion": "Here."},
    ),
    ("of Label Studio", task("Here.", q="Where?"), {"input": "Where?", "ideal_output": "Here."}),
    (
        "of Label Studio",
        {"id": 1, "annotator": 2, "prompt": "Where?", "completion": ["Here."]},
        {"id": 1, "annotator": 2, "prompt": "Where?", "completion": "Here."},
    ),
    (
        "of Argilla",
        {"fields": {"instruction": "Where?", "response": "Here."}, "responses": []},
        {"instruction": "Where?", "output": "Here.", "responses": []},
    ),
    (
        "of Argilla",
        {
            "fields": {"text": "Where?"},
            "responses": [{"status": "submitted", "values": {"answer": {"value": "Here."}}}],
        },
        {"input": "Where?", "ideal_output": "Here."},
    ),
    ("of doccano", {"text": "a", "label": ["b"]}, {"input": "a", "ideal_output": "b"}),
    (
        "with alternating texts",
        {"id": "a1", "data": ["Where?", "Here."]},
        {"messages": [ASKED, HERE], "id": "a1"},
    ),
    (
        "with alternating texts",
        {"conversations": ["Where?", "Here."], "source": "forum"},
        {"messages": [ASKED, HERE], "source": "forum"},
    ),
    (
        "with keys in another spelling",
        {
            "messages": [
                {"Role": "user", "Content": "Where?"},
                {"Role": "assistant", " content": "a"},
            ]
        },
        {"messages": [ASKED, {"role": "assistant", "content": "a"}]},
    ),
    (
        "with turns under another name",
        {"conversations": [ASKED, *called("c1"), HERE]},
        {"messages": [ASKED, *called("c1"), HERE]},
    ),
    (
        "with conversations in one text",
        {"text": "### Human: Where?### Assistant: Here."},
        {"messages": [ASKED, HERE]},
    ),
    (
        "with turns under another name",
        {"messages": [{"from": "human", "value": "a"}]},
        {"conversations": [{"from": "human", "value": "a"}]},
    ),
    (
        "with turns under another name",
        {"prompt": None, "completion": [ASKED, HERE]},
        {"messages": [ASKED, HERE], "prompt": None},
    ),
    (
        "with two rated responses",
        {"prompt": "p", "response_0": "a", "response_1": "b", "better_response_id": 1.0},
        {"prompt": "p", "chosen": "b", "rejected": "a"},
    ),
    (
        "with other names of fields",
        {"Question": "a", "answer": "b"},
        {"input": "a", "ideal_output": "b"},
    ),
]


@pytest.mark.parametrize(("label", "value", "row"), CASES)
def test_a_row_of_a_known_shape_becomes_a_row_of_a_format(
    label: str, value: Any, row: dict[str, Any]
) -> None:
    (shape,) = find_shapes([value])
    assert shape.label == label
    converted = converted_row(value, shape)
    assert converted
    assert {key: converted[key] for key in row} == row


def test_every_shape_has_a_case() -> None:
    assert {label for label, _, _ in CASES} | {"with JSON as text"} == {
        shape.label for shape in SHAPES
    }


FURTHER = st.dictionaries(
    st.sampled_from(["note", "source", "score", "tags", "context", "reply_to"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=6),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=4,
    ),
    min_size=1,
    max_size=3,
)


@given(
    value=st.sampled_from([value for _, value, _ in CASES if isinstance(value, dict)]), more=FURTHER
)
def test_fields_that_have_no_place_are_kept_beside_the_row(value: Any, more: Any) -> None:
    source = value | more
    row = source
    for shape in find_shapes([source]):
        row = converted_row(row, shape) or row
        assert shape.whole or lost_fields(source, row) == set()
    assert lost_fields(more, row) == set()


@pytest.mark.parametrize(
    "value",
    [
        {"messages": [ASKED, HERE]},
        {"messages": [SYSTEM, ASKED, HERE], "system": "Be brief."},
        {"messages": [ASKED], "choices": [{"message": HERE}, {"message": HERE}]},
        {"contents": [{"role": "user", "parts": [{"fileData": {"fileUri": "gs://a"}}]}]},
        {"row_idx": 1, "row": {"text": "a…"}, "truncated_cells": ["text"]},
        {"text": "a", "label": ["b", "c"]},
        {"text": "a", "label": [[0, 1, "PER"]]},
        {"id": "1", "data": ["a", "b", "c"]},
        {"conversations": ["a"]},
        {"conversations": [ASKED, HERE]},
        {"messages": [{"role": "user", "Role": "b", "content": "a"}]},
        task("a", "b", prompt="Which?"),
        task("a", one="b", two="c"),
        {"fields": {"text": "a"}, "responses": [{"values": {"x": "b", "y": "c"}}]},
        {"prompt": "p", "response_0": "a", "response_1": "b", "better_response_id": None},
        {"prompt": "p", "completion": "c", "conversation": [ASKED, HERE]},
        {"messages": [{"role": ["user"], "content": "a"}]},
        [{"item": 1}],
        [],
    ],
)
def test_what_is_not_certain_has_no_shape(value: Any) -> None:
    assert find_shapes([value]) == []


def test_of_a_task_of_label_studio_only_what_was_not_read_is_named_as_dropped() -> None:
    answered = {
        **task("It is on its way.")["annotations"][0],
        "id": 9,
        "was_cancelled": False,
        "prediction": None,
    }
    answered["result"][0] |= {"from_name": "answer"}
    cancelled = {"was_cancelled": True, "result": []}
    value = {"annotations": [cancelled, answered], "data": {"prompt": "Where is it?"}}
    (shape,) = find_shapes([value])
    row = converted_row(value, shape)
    assert row
    assert row.keys() - {"prompt", "completion"} == {
        "annotations[0]",
        "annotations[1].id",
        "annotations[1].was_cancelled",
        "annotations[1].result[0].from_name",
    }
    raw = json.dumps(row).encode()
    (problem,) = check_line(raw, 1, Format.PROMPT_COMPLETION)[1]
    assert problem.message == (
        'The conversion drops "annotations[0]" and 3 other parts of "annotations".'
    )
    places = {"annotations[]", "annotations[].id", "annotations[].result[].from_name"}
    assert dropped_fields(raw, Format.PROMPT_COMPLETION) == {
        *places,
        "annotations[].was_cancelled",
    }


def test_a_shape_must_be_that_of_half_of_the_first_rows() -> None:
    other, pair = {"messages": [ASKED, HERE]}, {"question": "a", "answer": "b"}
    assert find_shapes([other, other, pair]) == []
    assert len(find_shapes([other, pair])) == 1
    one_is_enough = {"messages": [ASKED, HERE], "tools": json.dumps([FIND])}
    assert [shape.label for shape in find_shapes([other, other, one_is_enough])] == [
        "with JSON as text"
    ]


def test_one_shape_may_hold_another() -> None:
    row = {"Conversation": None, "messages": json.dumps([{"from": "human", "value": "a"}])}
    labels = [shape.label for shape in find_shapes([row])]
    assert labels == ["with JSON as text", "with turns under another name"]
