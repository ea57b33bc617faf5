"""Conversions to another format and back keep the row; no input makes a converter fail."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.domain.conversion.convert import explain_format, from_chat, to_chat
from tui.domain.rows.formats import Format, Row, detect_format
from tui.domain.rules.structure import check_line, example_of

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


IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
LAMP = {**IMAGE, "image_url": {"url": "data:image/png;base64,AAAA"}}


def part(text: str) -> Row:
    return {"type": "text", "text": text}


def message(role: str, content: str) -> Row:
    return {"role": role, "content": content}


SEEN = message("assistant", "A red lamp.")


def conversation(turns: list[tuple[str, str]], system: str) -> Row:
    messages = [message("system", system)] if system else []
    for question, answer in turns:
        messages += [message("user", question), message("assistant", answer)]
    return {"messages": messages}


def with_calls() -> Row:
    """A row with two parallel tool calls, their answers, and an answer to the user."""
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
def test_text_conversations_survive_a_round_trip(
    kind: Format, turns: list[tuple[str, str]], system: str
) -> None:
    row = conversation(turns, system)
    converted, findings = from_chat(row, kind)
    assert converted is not None, findings
    assert detect_format(converted) is kind
    assert to_chat(converted, kind) == (row, [])


PARTS = st.lists(
    st.sampled_from([part("a"), part("<image>"), part(" b\n"), IMAGE, LAMP]), max_size=4
)
CONTENT = st.sampled_from(["", "a <image>", "b", None]) | PARTS
CALLS = st.lists(
    st.builds(
        lambda name, arguments: {"name": name, "arguments": json.dumps(arguments)},
        st.sampled_from(["weather", "time"]),
        st.dictionaries(TEXT, st.integers() | TEXT, max_size=2),
    ),
    min_size=1,
    max_size=3,
)


@st.composite
def conversations(draw: st.DrawFn) -> Row:
    """Conversations with all roles in any order, many of them invalid."""
    messages: list[Row] = []
    ids: list[str] = []
    for index in range(draw(st.integers(1, 6))):
        role = draw(st.sampled_from(["system", "user", "assistant", "assistant", "tool"]))
        entry: Row = {"role": role, "content": draw(CONTENT)}
        if role == "assistant" and draw(st.booleans()):
            called = draw(CALLS)
            names = [f"id_{index}_{number}" for number in range(len(called))]
            ids += names
            entry["tool_calls"] = [
                {"id": name, "type": "function", "function": function}
                for name, function in zip(names, called, strict=True)
            ]
        if role == "assistant" and draw(st.booleans()):
            entry["weight"] = draw(st.sampled_from([0, 1]))
        if role == "tool":
            entry["tool_call_id"] = ids.pop(0) if ids else "nobody"
        messages.append(entry)
    return {"messages": messages, **({"tools": [WEATHER]} if draw(st.booleans()) else {})}


def renumbered(row: Row) -> Row:
    """The row with call ids numbered in order; missing content beside a call is null."""
    numbers: dict[str, str] = {}
    chat = json.loads(json.dumps(row))
    for entry in chat["messages"]:
        if "tool_calls" in entry:
            entry["content"] = entry["content"] or None
        for call in entry.get("tool_calls", ()):
            call["id"] = numbers.setdefault(call["id"], f"call {len(numbers)}")
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])
        if "tool_call_id" in entry:
            entry["tool_call_id"] = numbers.get(entry["tool_call_id"])
    return dict(chat)


@settings(deadline=None, max_examples=200)
@given(conversations())
def test_a_conversion_either_keeps_the_whole_conversation_or_is_refused(row: Row) -> None:
    for kind in (Format.SHAREGPT, Format.PROMPT_COMPLETION, Format.ALPACA, Format.PAIRS):
        converted, findings = from_chat(row, kind)
        assert (converted is None) == bool(findings)
        if converted is not None:
            assert detect_format(converted) is kind
            chat, findings = to_chat(converted, kind)
            assert chat is not None, findings
            assert renumbered(chat) == renumbered(row)


@given(TEXT, TEXT, st.text(max_size=10))
def test_a_pair_survives_a_round_trip(question: str, answer: str, system: str) -> None:
    row = conversation([(question, answer)], system)
    converted, _ = from_chat(row, Format.PAIRS)
    assert converted is not None
    assert to_chat(converted, Format.PAIRS) == (row, [])


@given(TURNS, TEXT, TEXT)
def test_a_preference_row_survives_a_round_trip(
    turns: list[tuple[str, str]], better: str, worse: str
) -> None:
    row = {
        "input": {"messages": conversation(turns, "Be kind.")["messages"][:-1]},
        "preferred_output": [message("assistant", better)],
        "non_preferred_output": [message("assistant", worse)],
    }
    converted, _ = from_chat(row, Format.CHOSEN_REJECTED)
    assert converted is not None
    assert detect_format(converted) is Format.CHOSEN_REJECTED
    assert to_chat(converted, Format.CHOSEN_REJECTED) == (row, [])


@pytest.mark.parametrize("kind", [Format.SHAREGPT, Format.PROMPT_COMPLETION], ids=str)
def test_tool_calls_survive_a_round_trip(kind: Format) -> None:
    row = with_calls()
    converted, _ = from_chat(row, kind)
    assert converted is not None
    assert to_chat(converted, kind) == (row, [])
    assert check_line(json.dumps(row).encode(), 1)[1] == []


def test_tool_arguments_are_objects_in_trl_rows() -> None:
    converted, _ = from_chat(with_calls(), Format.PROMPT_COMPLETION)
    assert converted is not None
    calls = converted["prompt"][1]["tool_calls"]
    assert [call["function"]["arguments"]["city"] for call in calls] == ["Rome", "Åbo"]


def test_content_parts_survive_a_round_trip_through_trl() -> None:
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
    ]
    row = {"messages": [{"role": "user", "content": parts}, message("assistant", "A red lamp.")]}
    converted, _ = from_chat(row, Format.PROMPT_COMPLETION)
    assert converted is not None
    assert to_chat(converted, Format.PROMPT_COMPLETION) == (row, [])


def test_images_become_markers_in_sharegpt_text_and_are_restored() -> None:
    content = [part("Is "), IMAGE, part(" like\n"), LAMP]
    row = {"messages": [message("user", "Hi"), SEEN, {"role": "user", "content": content}, SEEN]}
    converted, _ = from_chat(row, Format.SHAREGPT)
    assert converted is not None
    assert converted["conversations"][2]["value"] == "Is <image> like\n<image>"
    assert converted["images"] == [IMAGE["image_url"]["url"], LAMP["image_url"]["url"]]
    assert to_chat(converted, Format.SHAREGPT) == (row, [])


@pytest.mark.parametrize(
    ("prompt", "images", "content"),
    [
        ([{"type": "image"}, part("What?")], [IMAGE["image_url"]["url"]], [IMAGE, part("What?")]),
        ("What?", [{"url": IMAGE["image_url"]["url"]}], [IMAGE, part("What?")]),
        ("A <image>?", IMAGE["image_url"]["url"], [part("A "), IMAGE, part("?")]),
        ([{"type": "image", "image": IMAGE["image_url"]["url"]}], None, [IMAGE]),
        ("Write <image> in HTML.", None, "Write <image> in HTML."),
    ],
)
def test_images_listed_beside_the_messages_are_inserted_into_them(
    prompt: Any, images: Any, content: Any
) -> None:
    question = {"role": "user", "content": prompt}
    row = {"prompt": [question], "completion": [SEEN], "images": images}
    expected = {"role": "user", "content": content}
    chat, _ = to_chat(row, Format.PROMPT_COMPLETION)
    assert chat == {"messages": [expected, SEEN]}
    pair = {"prompt": [question], "chosen": [SEEN], "rejected": [message("assistant", "?")]}
    chat, _ = to_chat({**pair, "images": images}, Format.CHOSEN_REJECTED)
    assert chat is not None
    assert chat["input"]["messages"] == [expected]


@pytest.mark.parametrize("images", [["a.png", "b.png"], [7], {"bytes": "AAAA"}])
def test_images_that_do_not_match_the_markers_are_reported(images: Any) -> None:
    turns = [{"from": "human", "value": "A <image>?"}, {"from": "gpt", "value": "A lamp."}]
    chat, findings = to_chat({"conversations": turns, "images": images}, Format.SHAREGPT)
    assert chat is None
    assert findings[0][1] == "images"


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [{**message("user", "a"), "name": "Eve"}, SEEN]},
        {"messages": [message("user", "a"), {**SEEN, "refusal": "No."}]},
        {"messages": [message("user", "a"), SEEN], "parallel_tool_calls": False},
        {"messages": [message("user", "<image>"), {"role": "user", "content": [IMAGE]}, SEEN]},
        {"messages": [message("user", "a"), SEEN, {**with_calls()["messages"][1]}]},
        {"messages": [*with_calls()["messages"][:2], *with_calls()["messages"][3:1:-1]]},
        {
            "messages": [
                {"role": "user", "content": [{**IMAGE, "image_url": {"url": "x", "detail": "low"}}]}
            ]
        },
    ],
)
def test_a_row_that_sharegpt_cannot_represent_is_refused(row: Row) -> None:
    converted, findings = from_chat(row, Format.SHAREGPT)
    assert converted is None
    assert findings[0][0] == "bad-field"


def test_consecutive_sharegpt_calls_become_one_message_followed_by_their_tool_answers() -> None:
    turns = [
        {"from": "human", "value": "Rome or Oslo?"},
        {"from": "gpt", "value": "I look."},
        {"from": "function_call", "value": '{"name": "weather", "arguments": {"city": "Rome"}}'},
        {"from": "function_call", "value": '{"name": "weather", "arguments": "{}"}'},
        {"from": "observation", "value": "sunny"},
        {"from": "observation", "value": "rain"},
        {"from": "gpt", "value": "Rome, of course."},
    ]
    row = {"conversations": turns, "tools": json.dumps([WEATHER["function"]])}
    chat, findings = to_chat(row, Format.SHAREGPT)
    assert chat is not None, findings
    calls = chat["messages"][1]["tool_calls"]
    assert chat["messages"][1]["content"] == "I look."
    assert [call["function"]["arguments"] for call in calls] == ['{"city": "Rome"}', "{}"]
    answers = [item["tool_call_id"] for item in chat["messages"] if item["role"] == "tool"]
    assert answers == [call["id"] for call in calls]
    assert check_line(json.dumps(row).encode(), 1, Format.SHAREGPT)[1] == []
    converted, _ = from_chat(chat, Format.SHAREGPT)
    assert converted is not None
    assert [turn["from"] for turn in converted["conversations"]] == [
        *("human", "gpt", "function_call", "observation", "observation", "gpt")
    ]
    assert converted["conversations"][1]["value"] == "I look."


def test_trl_tool_calls_and_their_answers_get_matching_ids() -> None:
    def call(name: str) -> Row:
        return {"type": "function", "function": {"name": name, "arguments": {"city": "Rome"}}}

    prompt = [
        message("user", "Rome?"),
        {"role": "assistant", "tool_calls": [call("weather"), call("time")]},
        {"role": "tool", "name": "time", "content": "noon"},
        {"role": "tool", "name": "weather", "content": "sunny"},
    ]
    answer = [
        {"role": "assistant", "tool_calls": [call("news")]},
        {"role": "tool", "content": "none"},
        message("assistant", "Sunny, and it is noon there."),
    ]
    tools = [{"name": name, "parameters": {}} for name in ("weather", "time", "news")]
    row = {"prompt": prompt, "completion": answer, "tools": tools}
    chat, _ = to_chat(row, Format.PROMPT_COMPLETION)
    assert chat is not None
    ids = {
        call["function"]["name"]: call["id"]
        for item in chat["messages"]
        for call in item.get("tool_calls", ())
    }
    assert [item["tool_call_id"] for item in chat["messages"] if item["role"] == "tool"] == [
        *(ids["time"], ids["weather"], ids["news"])
    ]
    assert check_line(json.dumps(row).encode(), 1, Format.PROMPT_COMPLETION)[1] == []
    row = {"prompt": prompt, "chosen": answer, "rejected": answer[2:], "tools": json.dumps(tools)}
    chat, _ = to_chat(row, Format.CHOSEN_REJECTED)
    assert chat is not None
    assert chat["preferred_output"][1]["tool_call_id"] == ids["news"]


def test_an_observation_without_a_call_is_reported_at_its_turn() -> None:
    turns = [
        {"from": "human", "value": "Rome?"},
        {"from": "observation", "value": "sunny"},
        {"from": "gpt", "value": "It is sunny."},
    ]
    row, findings = to_chat({"conversations": turns}, Format.SHAREGPT)
    assert row is None
    assert findings[0][1] == "conversations[1]"


ASKED, GOOD, BAD = message("user", "2 + 2?"), message("assistant", "4."), message("assistant", "5.")
PREFERENCES: list[Row] = [
    {"prompt": "2 + 2?", "chosen": "4.", "rejected": "5."},
    {"prompt": [ASKED], "chosen": [GOOD], "rejected": [BAD]},
    {"prompt": "2 + 2?", "chosen": [ASKED, GOOD], "rejected": [ASKED, BAD]},
    {"chosen": [ASKED, GOOD], "rejected": [ASKED, BAD]},
    {"prompt": [ASKED], "chosen": [ASKED, GOOD], "rejected": [ASKED, BAD]},
    {"prompt": "2 + 2?", "chosen": GOOD, "rejected": BAD},
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
    chat, findings = to_chat(row, Format.CHOSEN_REJECTED)
    assert findings == []
    assert chat == {
        "input": {"messages": [ASKED]},
        "preferred_output": [GOOD],
        "non_preferred_output": [BAD],
    }
    example, problems = check_line(json.dumps(row).encode(), 1, Format.CHOSEN_REJECTED)
    assert example is not None, problems


def test_a_given_system_prompt_does_not_replace_that_of_the_conversation() -> None:
    start = [message("system", "Count."), ASKED]
    row = {"prompt": "2 + 2?", "chosen": [*start, GOOD], "rejected": [*start, BAD]}
    chat, _ = to_chat(row, Format.CHOSEN_REJECTED, "Another prompt.")
    assert chat is not None
    assert chat["input"]["messages"] == start
    assert (chat["preferred_output"], chat["non_preferred_output"]) == ([GOOD], [BAD])


def test_a_preference_row_with_different_prompts_is_refused() -> None:
    row = {"chosen": [message("user", "a"), GOOD], "rejected": [message("user", "b"), BAD]}
    chat, findings = to_chat(row, Format.CHOSEN_REJECTED)
    assert chat is None
    assert findings[0][1] == "prompt"


def test_tool_declarations_are_normalised_to_openais_form() -> None:
    turns = [{"from": "human", "value": "Rome?"}, {"from": "gpt", "value": "It is sunny."}]
    for tools in ([WEATHER["function"]], json.dumps([WEATHER["function"]]), [WEATHER]):
        row, _ = to_chat({"conversations": turns, "tools": tools}, Format.SHAREGPT)
        assert row is not None
        assert row["tools"] == [WEATHER]


@pytest.mark.parametrize("kind", CONVERTIBLE, ids=str)
@given(value=WILD)
def test_no_input_makes_a_converter_raise(kind: Format, value: Any) -> None:
    row = value if isinstance(value, dict) else {"conversations": value, "chosen": value}
    chat, findings = to_chat(row, kind)
    assert (chat is None) == bool(findings)
    example_of(row, kind)
    from_chat(row, kind)


def test_every_format_has_a_description_and_unconvertible_ones_a_remedy() -> None:
    for kind in Format:
        assert explain_format(kind).endswith(".")
    assert "`chosen` and `rejected`" in explain_format(Format.KTO)
    assert "`ideal_output`" in explain_format(Format.TEXT)
