"""Only what the assistant says is learned, token by token."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from tui.engine.training.tokens import (
    IGNORE_INDEX,
    Tokens,
    Unrenderable,
    render_prompt,
    tokenize,
    tokenize_pair,
)

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
        if label == IGNORE_INDEX:
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
    learned = [at for at, label in enumerate(tokens.labels) if label != IGNORE_INDEX]
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
    first = next(at for at, label in enumerate(tokens.labels) if label != IGNORE_INDEX)
    assert tokenizer.decode(tokens.input_ids[:first]) == render_prompt(tokenizer, messages[:2])


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


TOOL_TEMPLATE = (
    "{% if tools %}<|im_start|>system\n{% for tool in tools %}{{ tool | tojson }}{% endfor %}"
    "<|im_end|>\n{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}"
    "{% for call in m['tool_calls'] or [] %}<call>{{ call['function']['name'] }}"
    "({{ call['function']['arguments'] | tojson }})</call>{% endfor %}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.fixture
def calling(tiny_model: Path) -> Any:
    """A tokenizer whose template knows tools."""
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    tokenizer.chat_template = TOOL_TEMPLATE
    return tokenizer


def call(name: str, arguments: str, call_id: str = "c1") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


TOOLS = [{"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}]


def test_calls_and_answers_are_learned_token_by_token_and_what_tools_say_is_not(
    calling: Any,
) -> None:
    row = {
        "tools": TOOLS,
        "messages": [
            SYSTEM,
            say("user", "1 plus 1?"),
            say("assistant", None, tool_calls=[call("add", '{"a": 1, "b": 1}')]),
            say("tool", "2", tool_call_id="c1"),
            say("assistant", "It is 2."),
            say("user", "2 plus 2?"),
            say("assistant", None, tool_calls=[call("add", '{"a": 9}', "c2")], weight=0),
            say("tool", "an error", tool_call_id="c2"),
            say("assistant", "It is 4.", weight=1),
        ],
    }
    (tokens,) = tokenize(calling, row)
    assert learned_text(calling, tokens) == (
        '|<call>add({"a": 1, "b": 1})</call><|im_end|>|It is 2.<|im_end|>|It is 4.<|im_end|>|'
    )
    # Every single token: it is learned exactly where its characters stand in a learned message.
    text = calling.decode(tokens.input_ids)
    spans = []
    for said in (
        '<call>add({"a": 1, "b": 1})</call><|im_end|>',
        "It is 2.<|im_end|>",
        "It is 4.<|im_end|>",
    ):
        begin = text.index(f"assistant\n{said}") + len("assistant\n")
        spans.append(range(begin, begin + len(said)))
    place = 0
    for token, label in zip(tokens.input_ids, tokens.labels, strict=True):
        piece = calling.decode([token])
        assert (label == token) == any(place in span for span in spans), (place, piece)
        place += len(piece)
    assert place == len(text)


def test_a_template_that_drops_earlier_reasoning_keeps_each_where_the_model_will_see_it(
    calling: Any,
) -> None:
    # As templates of reasoning models do: thoughts are kept after the last question only.
    calling.chat_template = (
        "{% set ns = namespace(last=0) %}{% for m in messages %}"
        "{% if m['role'] == 'user' %}{% set ns.last = loop.index0 %}{% endif %}{% endfor %}"
        "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
        "{% if m['role'] == 'assistant' and loop.index0 < ns.last %}"
        "{{ m['content'].split('</think>')[-1] }}{% else %}{{ m['content'] }}{% endif %}"
        "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    row = {
        "messages": [
            say("user", "1 plus 1?"),
            say("assistant", "<think>one, two</think>Two."),
            say("user", "2 plus 2?"),
            say("assistant", "<think>three, four</think>Four."),
        ]
    }
    first, second = tokenize(calling, row)
    assert learned_text(calling, first) == "|<think>one, two</think>Two.<|im_end|>|"
    assert learned_text(calling, second) == "|<think>three, four</think>Four.<|im_end|>|"
    assert "one, two" not in calling.decode(second.input_ids)
    assert "Two." in calling.decode(second.input_ids)
    only_last = {"messages": [*row["messages"][:1], {**row["messages"][1], "weight": 0}]}
    only_last["messages"] += row["messages"][2:]
    assert tokenize(calling, only_last) == [second]


def test_of_a_pair_only_the_two_answers_are_learned(calling: Any) -> None:
    row = {
        "input": {
            "tools": TOOLS,
            "messages": [
                say("user", "Hello."),
                say("assistant", "Hello, what shall I add?"),
                say("user", "1 plus 1."),
            ],
        },
        "preferred_output": [
            say("assistant", None, tool_calls=[call("add", '{"a": 1}')]),
            say("tool", "2", tool_call_id="c1"),
            say("assistant", "It is 2."),
        ],
        "non_preferred_output": [say("assistant", "Three?")],
    }
    pair = tokenize_pair(calling, row)
    assert learned_text(calling, pair.preferred) == (
        '|<call>add({"a": 1})</call><|im_end|>|It is 2.<|im_end|>|'
    )
    assert learned_text(calling, pair.rejected) == "|Three?<|im_end|>|"
    both = [calling.decode(tokens.input_ids) for tokens in (pair.preferred, pair.rejected)]
    before = render_prompt(calling, row["input"]["messages"])
    assert all(before.split("<|im_start|>user", 1)[1] in text for text in both)


def test_an_answer_of_several_messages_that_the_template_rewrites_is_refused(
    calling: Any,
) -> None:
    calling.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
        "{{ m['content'] if loop.last or m['role'] != 'assistant' else m['content'][:1] }}"
        "<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}{# tool #}"
    )
    answer = [say("assistant", "Wait."), say("tool", "2"), say("assistant", "It is 2.")]
    row = {
        "input": {"messages": [say("user", "1 plus 1?")]},
        "preferred_output": answer,
        "non_preferred_output": answer[-1:],
    }
    with pytest.raises(Unrenderable, match="several messages"):
        tokenize_pair(calling, row)
