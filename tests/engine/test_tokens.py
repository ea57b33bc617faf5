"""Only what the assistant says is learned, token by token."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from tui.engine.tokens import IGNORED, Tokens, Unrenderable, prompt, tokenize

SYSTEM = {"role": "system", "content": "Be brief."}


def say(role: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


@pytest.fixture(scope="module")
def tokenizer(tiny_model: Path) -> Any:
    return AutoTokenizer.from_pretrained(tiny_model)


def learned_text(tokenizer: Any, row: Tokens) -> str:
    """The labelled tokens as text, `|` wherever tokens between them are not learned."""
    text, gap = "", False
    for token, label in zip(row.input_ids, row.labels, strict=True):
        if label == IGNORED:
            gap = True
            continue
        assert label == token
        text += ("|" if gap else "") + tokenizer.decode([token])
        gap = False
    return text + ("|" if gap else "")


def test_every_assistant_message_is_learned_except_those_of_weight_0(tokenizer: Any) -> None:
    row = {
        "messages": [
            SYSTEM,
            say("user", "What is 1 plus 1?"),
            say("assistant", "The answer is 2."),
            say("user", "And 2 plus 2?"),
            say("assistant", "The answer is 5.", weight=0),
            say("user", "No."),
            say("assistant", "The answer is 4.", weight=1),
        ]
    }
    (tokens,) = tokenize(tokenizer, row)
    whole = tokenizer.apply_chat_template(
        [{k: v for k, v in m.items() if k != "weight"} for m in row["messages"]], tokenize=False
    )
    assert tokenizer.decode(tokens.input_ids) == whole
    assert (
        learned_text(tokenizer, tokens) == "|The answer is 2.<|im_end|>|The answer is 4.<|im_end|>|"
    )


def test_the_label_of_every_single_token_of_a_small_conversation(tokenizer: Any) -> None:
    (tokens,) = tokenize(tokenizer, {"messages": [say("user", "a b"), say("assistant", "c d")]})
    begin = tokenizer.convert_tokens_to_ids("<|im_start|>")
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    spoken = tokenizer("c d", add_special_tokens=False)["input_ids"]
    starts = [at for at, token in enumerate(tokens.input_ids) if token == begin]
    ends = [at for at, token in enumerate(tokens.input_ids) if token == end]
    learned = [at for at, label in enumerate(tokens.labels) if label != IGNORED]
    assert learned == list(range(ends[1] - len(spoken), ends[1] + 1))
    assert learned[0] > starts[1]
    assert [tokens.labels[at] for at in learned] == [*spoken, end]


def test_the_developer_speaks_as_the_system_and_text_parts_are_joined(tokenizer: Any) -> None:
    parts = [{"type": "text", "text": "Add 1 "}, {"type": "text", "text": "and 1."}]
    new = [say("developer", "Be brief."), say("user", parts), say("assistant", "2, as always.")]
    old = [SYSTEM, say("user", "Add 1 and 1."), say("assistant", "2, as always.")]
    assert tokenize(tokenizer, {"messages": new}) == tokenize(tokenizer, {"messages": old})


def test_a_template_that_rewrites_the_past_gets_a_row_for_every_learned_message(
    tokenizer: Any,
) -> None:
    forgetful = AutoTokenizer.from_pretrained(tokenizer.name_or_path)
    # Keeps of earlier answers their last word only, as reasoning models' templates drop thoughts.
    forgetful.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
        "{{ m['content'] if loop.last or m['role'] != 'assistant' else m['content'].split()[-1] }}"
        "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    row = {
        "messages": [
            say("user", "What?"),
            say("assistant", "Think first. One."),
            say("user", "And?"),
            say("assistant", "Think again. Two."),
        ]
    }
    first, second = tokenize(forgetful, row)
    assert learned_text(forgetful, first) == "|Think first. One.<|im_end|>|"
    assert learned_text(forgetful, second) == "|Think again. Two.<|im_end|>|"
    assert "Think first" not in forgetful.decode(second.input_ids)


def test_tools_are_refused_where_the_template_knows_none(tokenizer: Any) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    row = {"messages": [say("user", "Go."), say("assistant", None, tool_calls=[call])]}
    with pytest.raises(Unrenderable, match="knows no tools"):
        tokenize(tokenizer, row)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (
            {
                "messages": [
                    say("user", [{"type": "image_url", "image_url": {"url": "x"}}]),
                    say("assistant", "A cat."),
                ]
            },
            "'image_url'",
        ),
        (
            {
                "messages": [
                    say("user", "Go."),
                    say("assistant", None, function_call={"name": "f", "arguments": "{}"}),
                ]
            },
            "write it as tool_calls",
        ),
        (
            {
                "messages": [say("user", "Go."), say("assistant", "Gone.")],
                "functions": [{"name": "f"}],
            },
            "write them as tools",
        ),
    ],
)
def test_what_would_be_lost_silently_is_refused(
    tokenizer: Any, row: dict[str, Any], why: str
) -> None:
    with pytest.raises(Unrenderable, match=why):
        tokenize(tokenizer, row)


def test_a_cut_row_keeps_its_beginning(tokenizer: Any) -> None:
    (tokens,) = tokenize(tokenizer, {"messages": [say("user", "a"), say("assistant", "b" * 50)]})
    cut = tokens.cut(12)
    assert (cut.input_ids, cut.labels) == (tokens.input_ids[:12], tokens.labels[:12])
    assert tokens.cut(3).learned == 0


def test_training_and_answering_put_the_same_prompt_before_the_answer(tokenizer: Any) -> None:
    messages = [SYSTEM, say("user", "What is 1 plus 1?"), say("assistant", "The answer is 2.")]
    (tokens,) = tokenize(tokenizer, {"messages": messages})
    first = next(at for at, label in enumerate(tokens.labels) if label != IGNORED)
    assert tokenizer.decode(tokens.input_ids[:first]) == prompt(tokenizer, messages[:2])


def test_white_space_is_learned_where_a_tokenizer_gives_it_an_empty_place(
    tiny_model: Path,
) -> None:
    from tokenizers import processors

    trimming = AutoTokenizer.from_pretrained(tiny_model)
    trimming.backend_tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    row = {"messages": [say("user", "Spaces?"), say("assistant", '{\n\n    "a": 1}')]}
    (tokens,) = tokenize(trimming, row)
    assert learned_text(trimming, tokens) == '|{\n\n    "a": 1}<|im_end|>|'


def test_a_refusal_is_learned_as_what_the_assistant_said(tokenizer: Any) -> None:
    refused = say("assistant", None, refusal="I cannot.")
    (tokens,) = tokenize(tokenizer, {"messages": [say("user", "Do it."), refused]})
    assert learned_text(tokenizer, tokens) == "|I cannot.<|im_end|>|"
