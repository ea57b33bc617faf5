"""ShareGPT's speakers under the names that exports give them, and calls written into texts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tui.domain.conversion.convert import to_chat
from tui.domain.rows.formats import Format
from tui.domain.rules.structure import inspect_row

CALL = '<tool_call>\n{"name": "stock", "arguments": {"part": "a7"}}\n</tool_call>'
TOOL = {"type": "function", "function": {"name": "stock", "parameters": {"type": "object"}}}


def turns(*pairs: tuple[str, str]) -> dict[str, Any]:
    return {"conversations": [{"from": speaker, "value": text} for speaker, text in pairs]}


@pytest.mark.parametrize("asks", ["human", "Human", "User ", "prompter", "customer"])
@pytest.mark.parametrize("answers", ["gpt", "GPT", "bot", "Assistant", "AI", "bing", "chatbot"])
def test_speakers_are_known_by_their_common_names(asks: str, answers: str) -> None:
    chat, findings = to_chat(turns((asks, "Where?"), (answers, "Here.")), Format.SHAREGPT)
    assert findings == []
    assert chat
    assert [message["role"] for message in chat["messages"]] == ["user", "assistant"]


def test_an_unknown_speaker_is_named() -> None:
    _, findings = to_chat(turns(("hummany", "Where?"), ("gpt", "Here.")), Format.SHAREGPT)
    speakers = "human, gpt, system, function_call or observation"
    text = f'The speaker "hummany" is unknown; use {speakers}.'
    assert findings == [("bad-field", "conversations[0]", text)]


def test_calls_and_answers_marked_in_texts_become_calls_and_tool_messages() -> None:
    two = f"Let me look.\n{CALL}\n{CALL.replace('a7', 'b8')}"
    found = "<tool_response>\n3\n</tool_response>\n<tool_response>\n0\n</tool_response>"
    row = turns(
        ("system", f"You may call <tools>{json.dumps([TOOL])}</tools>."),
        ("human", "How many of a7 and b8?"),
        ("gpt", two),
        ("tool", found),
        ("gpt", "Three and none."),
    )
    chat, findings = to_chat(row, Format.SHAREGPT)
    assert findings == []
    assert chat
    assert chat["tools"] == [TOOL]
    _, _, call, *answers, last = chat["messages"]
    assert call["content"] == "Let me look."
    functions = [each["function"] for each in call["tool_calls"]]
    assert [json.loads(each["arguments"])["part"] for each in functions] == ["a7", "b8"]
    assert [(each["role"], each["content"]) for each in answers] == [("tool", "3"), ("tool", "0")]
    assert [each["tool_call_id"] for each in answers] == [each["id"] for each in call["tool_calls"]]
    assert last["content"] == "Three and none."
    assert inspect_row(json.dumps(row).encode(), Format.SHAREGPT)[1] == []


@pytest.mark.parametrize(
    "text",
    [
        "Write <tool_call> to call.",
        "<tool_call>{'name': 'stock'}</tool_call>",
        f"{CALL} and that was it.",
    ],
)
def test_text_about_calls_stays_text(text: str) -> None:
    chat, findings = to_chat(turns(("human", "How?"), ("gpt", text)), Format.SHAREGPT)
    assert findings == []
    assert chat
    assert chat["messages"][1] == {"role": "assistant", "content": text}
