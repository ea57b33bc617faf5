"""What goes into another format comes back the same; nothing wild makes a converter fail."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.conversion import explain_format, from_chat, to_chat
from tui.domain.examples import Format, Row, detect_format
from tui.domain.rules import check_line, example_of

CONVERTIBLE = [kind for kind in Format if kind.convertible]
TEXT = st.text(min_size=1, max_size=30)
TURNS = st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=4)
KEYS = (
    *("role", "content", "from", "value", "messages", "prompt", "chosen", "rejected"),
    *("conversations", "history", "instruction", "input", "output", "completion", "tools"),
    *("tool_calls", "function", "name", "arguments", "system", "ideal_output", "weight"),
)
WILD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "the weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


def message(role: str, content: str) -> Row:
    return {"role": role, "content": content}


def conversation(turns: list[tuple[str, str]], system: str) -> Row:
    said = [message("system", system)] if system else []
    for asked, answered in turns:
        said += [message("user", asked), message("assistant", answered)]
    return {"messages": said}


def with_calls() -> Row:
    """Two calls at once, both answered, then the word to the user."""
    calls = [
        {
            "id": f"call_2{end}",
            "type": "function",
            "function": {
                "name": "weather",
                "arguments": json.dumps({"city": city}, ensure_ascii=False),
            },
        }
        for end, city in (("", "Rome"), ("_1", "Åbo"))
    ]
    return {
        "messages": [
            message("user", "Rome or Åbo?"),
            {"role": "assistant", "content": None, "tool_calls": calls},
            {"role": "tool", "tool_call_id": "call_2", "content": "sunny"},
            {"role": "tool", "tool_call_id": "call_2_1", "content": "rain"},
            {**message("assistant", "Rome, it is sunny there."), "weight": 1},
        ],
        "tools": [WEATHER],
    }


@pytest.mark.parametrize(
    "kind", [Format.ALPACA, Format.SHAREGPT, Format.PROMPT_COMPLETION], ids=str
)
@given(turns=TURNS, system=st.text(max_size=10))
def test_conversations_of_texts_come_back_the_same(
    kind: Format, turns: list[tuple[str, str]], system: str
) -> None:
    row = conversation(turns, system)
    told, found = from_chat(row, kind)
    assert told is not None, found
    assert detect_format(told) is kind
    assert to_chat(told, kind) == (row, [])


@given(TEXT, TEXT, st.text(max_size=10))
def test_a_pair_comes_back_the_same(asked: str, answered: str, system: str) -> None:
    row = conversation([(asked, answered)], system)
    told, _ = from_chat(row, Format.PAIRS)
    assert told is not None
    assert to_chat(told, Format.PAIRS) == (row, [])


@given(TURNS, TEXT, TEXT)
def test_a_preference_row_comes_back_the_same(
    turns: list[tuple[str, str]], better: str, worse: str
) -> None:
    row = {
        "input": {"messages": conversation(turns, "Be kind.")["messages"][:-1]},
        "preferred_output": [message("assistant", better)],
        "non_preferred_output": [message("assistant", worse)],
    }
    told, _ = from_chat(row, Format.CHOSEN_REJECTED)
    assert told is not None
    assert detect_format(told) is Format.CHOSEN_REJECTED
    assert to_chat(told, Format.CHOSEN_REJECTED) == (row, [])


@pytest.mark.parametrize("kind", [Format.SHAREGPT, Format.PROMPT_COMPLETION], ids=str)
def test_tool_calls_survive_the_way_there_and_back(kind: Format) -> None:
    row = with_calls()
    told, _ = from_chat(row, kind)
    assert told is not None
    assert to_chat(told, kind) == (row, [])
    assert check_line(json.dumps(row).encode(), 1)[1] == []


def test_trl_is_given_arguments_as_objects() -> None:
    told, _ = from_chat(with_calls(), Format.PROMPT_COMPLETION)
    assert told is not None
    calls = told["prompt"][1]["tool_calls"]
    assert [call["function"]["arguments"]["city"] for call in calls] == ["Rome", "Åbo"]


def test_parts_of_a_message_survive_in_trls_form() -> None:
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
    ]
    row = {"messages": [{"role": "user", "content": parts}, message("assistant", "A red lamp.")]}
    told, _ = from_chat(row, Format.PROMPT_COMPLETION)
    assert told is not None
    assert to_chat(told, Format.PROMPT_COMPLETION) == (row, [])
    assert from_chat(row, Format.SHAREGPT)[0] is None


def test_an_observation_without_a_call_is_told_by_its_turn() -> None:
    turns = [
        {"from": "human", "value": "Rome?"},
        {"from": "observation", "value": "sunny"},
        {"from": "gpt", "value": "It is sunny."},
    ]
    row, found = to_chat({"conversations": turns}, Format.SHAREGPT)
    assert row is None
    assert found[0][1] == "conversations[1]"


ASKED, GOOD, BAD = message("user", "2 + 2?"), message("assistant", "4."), message("assistant", "5.")
PREFERENCES: list[Row] = [
    {"prompt": "2 + 2?", "chosen": "4.", "rejected": "5."},
    {"prompt": [ASKED], "chosen": [GOOD], "rejected": [BAD]},
    {"prompt": "2 + 2?", "chosen": [ASKED, GOOD], "rejected": [ASKED, BAD]},
    {"chosen": [ASKED, GOOD], "rejected": [ASKED, BAD]},
    {"instruction": "2 + 2?", "input": "", "chosen": "4.", "rejected": "5."},
    {
        "conversations": [{"from": "human", "value": "2 + 2?"}],
        "chosen": {"from": "gpt", "value": "4."},
        "rejected": {"from": "gpt", "value": "5."},
    },
]


@pytest.mark.parametrize("row", PREFERENCES)
def test_a_better_and_a_worse_answer_become_a_preference_row(row: Row) -> None:
    assert detect_format(row) is Format.CHOSEN_REJECTED
    made, found = to_chat(row, Format.CHOSEN_REJECTED)
    assert found == []
    assert made == {
        "input": {"messages": [ASKED]},
        "preferred_output": [GOOD],
        "non_preferred_output": [BAD],
    }
    example, problems = check_line(json.dumps(row).encode(), 1, Format.CHOSEN_REJECTED)
    assert example is not None, problems


def test_answers_that_begin_differently_have_no_prompt() -> None:
    row = {"chosen": [message("user", "a"), GOOD], "rejected": [message("user", "b"), BAD]}
    made, found = to_chat(row, Format.CHOSEN_REJECTED)
    assert made is None
    assert found[0][1] == "prompt"


def test_declarations_written_bare_or_as_text_are_declared_as_openai_wants() -> None:
    turns = [{"from": "human", "value": "Rome?"}, {"from": "gpt", "value": "It is sunny."}]
    for tools in ([WEATHER["function"]], json.dumps([WEATHER["function"]]), [WEATHER]):
        row, _ = to_chat({"conversations": turns, "tools": tools}, Format.SHAREGPT)
        assert row is not None
        assert row["tools"] == [WEATHER]


@pytest.mark.parametrize("kind", CONVERTIBLE, ids=str)
@given(value=WILD)
def test_nothing_wild_makes_a_converter_fail(kind: Format, value: Any) -> None:
    row = value if isinstance(value, dict) else {"conversations": value, "chosen": value}
    made, found = to_chat(row, kind)
    assert (made is None) == bool(found)
    example_of(row, kind)
    from_chat(row, kind)


def test_every_format_is_explained_and_what_is_not_converted_says_what_to_do() -> None:
    for kind in Format:
        assert explain_format(kind).endswith(".")
    assert "`chosen` and `rejected`" in explain_format(Format.KTO)
    assert "`ideal_output`" in explain_format(Format.TEXT)
