"""Whatever a source row holds is in the converted row, or a finding names its field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.domain.conversion.convert import fields_left_out, to_chat
from tui.domain.rows.formats import Format, Row
from tui.domain.rules.structure import inspect_row

TEXT = st.text(max_size=12) | st.sampled_from(
    ['[{"item": 1}]', '{"role": "nurse", "name": "Ana"}', '{"from": "Oslo", "value": "20"}', "7"]
)
FURTHER = st.dictionaries(
    st.sampled_from(["context", "id", "system_prompt", "videos", "image", "tags", "source"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | TEXT,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=5,
    ),
    max_size=3,
)
TURN = st.fixed_dictionaries(
    {"from": st.sampled_from(["human", "gpt", "system"]), "value": TEXT},
    optional={"weight": st.sampled_from([0, 1]), "loss": st.booleans(), "note": TEXT},
)
CORES = {
    Format.PAIRS: st.fixed_dictionaries(
        {"input": TEXT, "ideal_output": TEXT}, optional={"system": TEXT | st.lists(TEXT)}
    ),
    Format.ALPACA: st.fixed_dictionaries(
        {"instruction": TEXT, "output": TEXT},
        optional={
            "input": TEXT | st.integers() | st.lists(TEXT, max_size=2) | st.none(),
            "history": st.lists(st.lists(TEXT, min_size=2, max_size=2), max_size=2),
            "system": TEXT,
        },
    ),
    Format.SHAREGPT: st.fixed_dictionaries(
        {"conversations": st.lists(TURN, min_size=1, max_size=3)}, optional={"system": TEXT}
    ),
    Format.PROMPT_COMPLETION: st.fixed_dictionaries(
        {"prompt": TEXT, "completion": TEXT | st.integers()}, optional={"system": TEXT}
    ),
    Format.CHOSEN_REJECTED: st.fixed_dictionaries(
        {"prompt": TEXT, "chosen": TEXT, "rejected": TEXT},
        optional={"instruction": TEXT, "system": TEXT},
    ),
}


@st.composite
def rows(draw: st.DrawFn) -> tuple[Format, Row]:
    kind = draw(st.sampled_from(list(CORES)))
    return kind, draw(FURTHER) | draw(CORES[kind])


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from () if key == "from" else leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    elif value is not None and str(value).strip():
        yield value


@settings(max_examples=400)
@given(rows())
def test_every_value_is_in_the_written_row_or_its_field_is_named(item: tuple[Format, Row]) -> None:
    kind, row = item
    converted, findings = to_chat(row, kind)
    if converted is None:
        assert findings
        return  # the row is not written
    _, findings = inspect_row(json.dumps(row).encode(), kind)
    named = {where.partition("[")[0].partition(".")[0] for _, where, _ in findings}
    written = json.dumps(converted, ensure_ascii=False)
    for key, value in row.items():
        if key not in named:
            for leaf in leaves(value):
                inside = leaf if isinstance(leaf, str) else json.dumps(leaf)
                assert json.dumps(inside, ensure_ascii=False)[1:-1] in written, (key, leaf)


@pytest.mark.parametrize(
    ("kind", "row", "place"),
    [
        (Format.ALPACA, {"instruction": "a", "output": "b", "context": "a"}, "context"),
        (Format.PAIRS, {"input": "a", "ideal_output": "b", "system": ["c"]}, "system[0]"),
        (
            Format.SHAREGPT,
            {
                "conversations": [
                    {"from": "human", "value": "a"},
                    {"from": "gpt", "value": "b", "loss": True},
                ]
            },
            "conversations[1].loss",
        ),
        (
            Format.SHAREGPT,
            {"conversations": [{"from": "gpt", "value": "b"}], "videos": ["v"]},
            "videos",
        ),
    ],
)
def test_a_field_without_a_place_in_the_conversation_is_named(
    kind: Format, row: Row, place: str
) -> None:
    _, findings = inspect_row(json.dumps(row).encode(), kind)
    assert [where for code, where, _ in findings if code == "dropped-field"] == [place]


@pytest.mark.parametrize(
    "text",
    [
        '[{"item": "lamp", "qty": 2}]',
        '{"role": "nurse", "name": "Ana"}',
        '{"from": "Oslo", "to": "Bergen", "value": "20 euros in total"}',
        '[{"role": "user", "content": "Ana"}]',
        '{"messages": ["hello"], "to": "all"}',
    ],
)
def test_an_answer_that_is_json_stays_the_text_that_it_is(text: str) -> None:
    chat, findings = to_chat(
        {"prompt": "List the staff", "completion": text}, Format.PROMPT_COMPLETION
    )
    assert not findings
    assert chat
    assert chat["messages"][-1] == {"role": "assistant", "content": text}
    pair = {"prompt": "List the staff", "chosen": text, "rejected": "no"}
    preference, _ = to_chat(pair, Format.CHOSEN_REJECTED)
    assert preference
    assert preference["preferred_output"] == [{"role": "assistant", "content": text}]


def test_conversations_as_json_text_are_read_where_all_fields_of_the_row_agree() -> None:
    question, answer = (
        {"role": "user", "content": "Where?"},
        {"role": "assistant", "content": "Here."},
    )
    texts = {"prompt": json.dumps([question]), "completion": json.dumps([answer])}
    assert to_chat(texts, Format.PROMPT_COMPLETION) == ({"messages": [question, answer]}, [])
    worse = {"role": "assistant", "content": "No."}
    both = {"chosen": json.dumps([question, answer]), "rejected": json.dumps([question, worse])}
    for pair in (both, {"prompt": "Where?", **both}):
        preference, findings = to_chat(pair, Format.CHOSEN_REJECTED)
        assert not findings
        assert preference == {
            "input": {"messages": [question]},
            "preferred_output": [answer],
            "non_preferred_output": [worse],
        }


@pytest.mark.parametrize("key", ["arguments", "parameters", "args", "input"])
def test_the_arguments_of_a_function_call_are_kept_under_any_of_their_names(key: str) -> None:
    call = {"from": "function_call", "value": json.dumps({"name": "stock", key: {"part": "p0"}})}
    chat, _ = to_chat({"conversations": [{"from": "human", "value": "?"}, call]}, Format.SHAREGPT)
    assert chat
    function = chat["messages"][1]["tool_calls"][0]["function"]
    assert json.loads(function["arguments"]) == {"part": "p0"}


def test_a_value_that_a_text_happens_to_contain_is_named_all_the_same() -> None:
    turns = [
        {"from": "human", "name": "Ada", "value": "I am Ada. Where?", "weight": 1},
        {"from": "gpt", "loss": 1, "value": "Here.", "weight": 1},
    ]
    row = {"conversations": turns}
    converted, _ = to_chat(row, Format.SHAREGPT)
    assert converted
    assert fields_left_out(row, Format.SHAREGPT, converted) == ["conversations[0].name"]
    assert fields_left_out({"conversations": turns[1:]}, Format.SHAREGPT, converted) == [
        "conversations[0].loss"
    ]


@pytest.mark.parametrize("field", ["tools", "function_call"])
def test_json_text_with_two_values_of_a_key_is_an_error_and_loses_none(field: str) -> None:
    tool = '[{"name": "find", "name": "look", "parameters": {}}]'
    call = '{"name": "find", "arguments": {"part": "a7", "part": "b2"}}'
    turns = [{"from": "human", "value": "Where?"}, {"from": "gpt", "value": "In hall two."}]
    if field == "function_call":
        turns.insert(1, {"from": field, "value": call})
    row = {"conversations": turns, **({"tools": tool} if field == "tools" else {})}
    _, findings = inspect_row(json.dumps(row).encode(), Format.SHAREGPT)
    ((code, where, _),) = findings
    expected = ("bad-tools", "tools") if field == "tools" else ("bad-field", "conversations[1]")
    assert (code, where) == expected


def test_a_prompt_that_is_json_text_with_two_values_of_a_key_stays_text() -> None:
    text = '[{"role": "user", "content": "Where?", "content": "When?"}]'
    row = {"prompt": text, "completion": '[{"role": "assistant", "content": "Here."}]'}
    converted, _ = to_chat(row, Format.PROMPT_COMPLETION)
    assert converted
    assert converted["messages"][0]["content"] == text


def test_equal_values_of_a_key_in_json_text_are_one_value() -> None:
    tools = '[{"name": "find", "name": "find", "parameters": {}}]'
    turns = [{"from": "human", "value": "Where?"}, {"from": "gpt", "value": "In hall two."}]
    converted, _ = to_chat({"conversations": turns, "tools": tools}, Format.SHAREGPT)
    assert converted
    assert converted["tools"][0]["function"] == {"name": "find", "parameters": {}}
