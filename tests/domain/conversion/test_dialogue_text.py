"""Conversations written into one text are read only where every turn of them is certain."""

from __future__ import annotations

import json

import pytest

from tui.domain.conversion.convert import to_chat
from tui.domain.conversion.dialogue_text import read_dialogue
from tui.domain.rows.formats import Format
from tui.domain.rules.structure import inspect_row

ASKED = {"role": "user", "content": "Where?"}
HERE = {"role": "assistant", "content": "Here."}


@pytest.mark.parametrize(
    "text",
    [
        "\n\nHuman: Where?\n\nAssistant: Here.",
        "### Human: Where?### Assistant: Here.",
        "### Human: Where?\n### Assistant: Here.",
        "<|im_start|>user\nWhere?<|im_end|>\n<|im_start|>assistant\nHere.<|im_end|>\n",
    ],
)
def test_a_text_with_marked_turns_is_a_conversation(text: str) -> None:
    assert read_dialogue(text) == [ASKED, HERE]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Where?",
        "As\n\nHuman: said",
        "\n\nAssistant: Here.",
        "\n\nHuman: Where?\n\nHuman: Now?\n\nAssistant: Here.",
        "\n\nHuman: \n\nAssistant: Here.",
        "<|im_start|>user\nWhere?<|im_end|>\n<|im_start|>tool\nHall 2<|im_end|>\n",
    ],
)
def test_other_texts_are_none(text: str) -> None:
    assert read_dialogue(text) is None


def test_hh_rlhf_rows_become_preference_rows() -> None:
    opening = "\n\nHuman: Hello\n\nAssistant: Hi!\n\nHuman: Where?\n\nAssistant: "
    row = {"chosen": f"{opening}Here.", "rejected": f"{opening}No idea."}
    preference, findings = to_chat(row, Format.CHOSEN_REJECTED)
    assert findings == []
    assert preference == {
        "input": {
            "messages": [
                {"role": "user", "content": "Hello"},
                {"role": "assistant", "content": "Hi!"},
                ASKED,
            ]
        },
        "preferred_output": [HERE],
        "non_preferred_output": [{"role": "assistant", "content": "No idea."}],
    }
    codes = {
        code for code, _, _ in inspect_row(json.dumps(row).encode(), Format.CHOSEN_REJECTED)[1]
    }
    assert codes <= {"output-too-short"}


@pytest.mark.parametrize(
    ("chosen", "rejected", "sentence"),
    [
        ("The sky is blue.", "The sky is green.", 'begin alike ("The sky is"), but nothing shows'),
        ("Yes, blue.", "It is green.", "have no common start"),
        ("I do.", "It is.", "have no common start"),
    ],
)
def test_answers_without_a_prompt_are_told_whether_they_begin_alike(
    chosen: str, rejected: str, sentence: str
) -> None:
    row = {"chosen": chosen, "rejected": rejected}
    preference, ((code, place, message),) = to_chat(row, Format.CHOSEN_REJECTED)
    assert (preference, code, place) == (None, "missing-field", "prompt")
    assert sentence in message


def test_answers_that_mention_a_human_stay_text() -> None:
    row = {"prompt": "Go on", "chosen": "\n\nHuman: a\n\nAssistant: b", "rejected": "no"}
    preference, _ = to_chat(row, Format.CHOSEN_REJECTED)
    assert preference
    assert preference["preferred_output"] == [{"role": "assistant", "content": row["chosen"]}]


def test_a_prompt_that_ends_where_the_answer_begins_is_a_conversation() -> None:
    prompt = "\n\nHuman: Hello\n\nAssistant: Hi!\n\nHuman: Where?\n\nAssistant:"
    chat, _ = to_chat({"prompt": prompt, "completion": "Here."}, Format.PROMPT_COMPLETION)
    assert chat
    assert [message["content"] for message in chat["messages"]] == [
        "Hello",
        "Hi!",
        "Where?",
        "Here.",
    ]
    pair = {"prompt": prompt, "chosen": "Here.", "rejected": "\n\nHuman: no"}
    preference, _ = to_chat(pair, Format.CHOSEN_REJECTED)
    assert preference
    assert len(preference["input"]["messages"]) == 3
    assert preference["non_preferred_output"][0]["content"] == "\n\nHuman: no"
    assert inspect_row(json.dumps(pair).encode(), Format.CHOSEN_REJECTED)[1] == [
        ("output-too-short", "chosen", "The answer has 5 characters.")
    ]


@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
def test_a_prompt_that_ends_where_the_answer_begins_is_a_question(end: str) -> None:
    prompt = f"<|im_start|>user\nWhere?<|im_end|>\n<|im_start|>assistant{end}"
    assert read_dialogue(prompt) == [ASKED]
