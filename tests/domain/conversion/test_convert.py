"""Rows of other formats are converted to chat conversations."""

from __future__ import annotations

from typing import Any

import pytest

from tui.domain.conversion.convert import to_chat
from tui.domain.rows.formats import Format, Row, detect_format

SYSTEM = {"role": "system", "content": "Be brief."}
ASKED = {"role": "user", "content": "Where is it?"}
SAID = {"role": "assistant", "content": "On its way."}

ROWS: list[tuple[Format, Row]] = [
    (Format.PAIRS, {"input": "Where is it?", "ideal_output": "On its way."}),
    (Format.ALPACA, {"instruction": "Where is it?", "output": "On its way."}),
    (Format.ALPACA, {"instruction": "Where is it?", "input": "", "output": "On its way."}),
    (
        Format.SHAREGPT,
        {
            "conversations": [
                {"from": "human", "value": "Where is it?"},
                {"from": "gpt", "value": "On its way."},
            ]
        },
    ),
    (Format.PROMPT_COMPLETION, {"prompt": "Where is it?", "completion": "On its way."}),
    (Format.PROMPT_COMPLETION, {"prompt": [ASKED], "completion": [SAID]}),
]


@pytest.mark.parametrize(("kind", "row"), ROWS)
def test_a_row_becomes_a_conversation_with_the_system_prompt(kind: Format, row: Row) -> None:
    assert detect_format(row) is kind
    assert to_chat(row, kind) == ({"messages": [ASKED, SAID]}, [])
    assert to_chat(row, kind, "Be brief.") == ({"messages": [SYSTEM, ASKED, SAID]}, [])


def test_a_system_prompt_of_the_row_takes_precedence_over_the_given_one() -> None:
    row = {"input": "Where is it?", "ideal_output": "On its way.", "system": "Be brief."}
    chat, _ = to_chat(row, Format.PAIRS, "Be long.")
    assert chat == {"messages": [SYSTEM, ASKED, SAID]}


def test_alpaca_keeps_its_input_and_history() -> None:
    row = {
        "instruction": "Sort these.",
        "input": "b, a",
        "output": "a, b",
        "history": [["Hello", "Hi"]],
    }
    chat, _ = to_chat(row, Format.ALPACA)
    assert chat
    assert [item["content"] for item in chat["messages"]] == [
        *("Hello", "Hi", "Sort these.\n\nb, a", "a, b")
    ]


@pytest.mark.parametrize(
    ("kind", "row", "where"),
    [
        (Format.PAIRS, {"ideal_output": "x"}, "input"),
        (Format.PAIRS, {"input": "x", "ideal_output": None}, "ideal_output"),
        (Format.ALPACA, {"instruction": "x", "output": "y", "history": [["x"]]}, "history"),
        (
            Format.SHAREGPT,
            {"conversations": [{"from": "nobody", "value": "x"}]},
            "conversations[0]",
        ),
        (Format.SHAREGPT, {"conversations": []}, "conversations"),
        (Format.PROMPT_COMPLETION, {"prompt": 1, "completion": "y"}, "prompt"),
    ],
)
def test_a_row_that_cannot_be_converted_is_reported_by_its_own_fields(
    kind: Format, row: Row, where: str
) -> None:
    chat, findings = to_chat(row, kind)
    assert chat is None
    assert [item[1] for item in findings] == [where]


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"messages": [ASKED, SAID]}, Format.CHAT),
        ({"messages": [ASKED], "answer": 7}, Format.REINFORCEMENT),
        ({"messages": "damaged", "id": 7}, Format.CHAT),
        ({"input": {}, "preferred_output": []}, Format.PREFERENCE),
        ({"text": "plain"}, Format.TEXT),
        ({"text": "plain", "label": 1}, Format.TEXT),
        ({"prompt": "a", "completion": "b", "label": True}, Format.KTO),
        ({"prompt": "a", "completion": "b", "label": "False"}, Format.KTO),
        ({"prompt": "a", "completion": "b", "label": "refund"}, Format.PROMPT_COMPLETION),
        ({"conversations": [], "kto_tag": False}, Format.KTO),
        ({"conversations": [], "chosen": {}, "rejected": {}}, Format.CHOSEN_REJECTED),
        ({"instruction": "a", "chosen": "b", "rejected": "c"}, Format.CHOSEN_REJECTED),
        ({"prompt": "a", "chosen": "b"}, Format.UNKNOWN),
        ({"messages": None, "prompt": "a", "completion": "b"}, Format.PROMPT_COMPLETION),
        (
            {"prompt": "a", "completion": "b", "chosen": None, "rejected": None},
            Format.PROMPT_COMPLETION,
        ),
        ({}, Format.UNKNOWN),
    ],
)
def test_a_format_is_detected_from_the_keys_of_a_row(row: dict[str, Any], kind: Format) -> None:
    assert detect_format(row) is kind
