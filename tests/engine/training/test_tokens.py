"""Tokens and labels: only assistant messages are trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tui.engine.training.tokens import (
    IGNORE_INDEX,
    Tokens,
    Unrenderable,
    render_prompt,
    tokenize,
    tokenize_pair,
)

SYSTEM = {"role": "system", "content": "Be brief."}


def message(role: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


def load_tokenizer(folder: Path | str) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="module")
def tokenizer(tiny_model: Path) -> Any:
    return load_tokenizer(tiny_model)


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


def test_every_assistant_message_is_trained_except_those_of_weight_0(tokenizer: Any) -> None:
    row = {
        "messages": [
            SYSTEM,
            message("user", "What is 1 plus 1?"),
            message("assistant", "The answer is 2."),
            message("user", "And 2 plus 2?"),
            message("assistant", "The answer is 5.", weight=0),
            message("user", "No."),
            message("assistant", "The answer is 4.", weight=1),
        ]
    }
    (tokens,) = tokenize(tokenizer, row)
    full_text = tokenizer.apply_chat_template(
        [{k: v for k, v in m.items() if k != "weight"} for m in row["messages"]], tokenize=False
    )
    assert tokenizer.decode(tokens.input_ids) == full_text
    assert (
        learned_text(tokenizer, tokens) == "|The answer is 2.<|im_end|>|The answer is 4.<|im_end|>|"
    )


def test_the_label_of_every_single_token_of_a_small_conversation(tokenizer: Any) -> None:
    (tokens,) = tokenize(
        tokenizer, {"messages": [message("user", "a b"), message("assistant", "c d")]}
    )
    begin = tokenizer.convert_tokens_to_ids("<|im_start|>")
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    answer = tokenizer("c d", add_special_tokens=False)["input_ids"]
    starts = [at for at, token in enumerate(tokens.input_ids) if token == begin]
    ends = [at for at, token in enumerate(tokens.input_ids) if token == end]
    learned = [at for at, label in enumerate(tokens.labels) if label != IGNORE_INDEX]
    assert learned == list(range(ends[1] - len(answer), ends[1] + 1))
    assert learned[0] > starts[1]
    assert [tokens.labels[at] for at in learned] == [*answer, end]


def test_developer_messages_are_rendered_as_system_messages_and_text_parts_are_joined(
    tokenizer: Any,
) -> None:
    parts = [{"type": "text", "text": "Add 1 "}, {"type": "text", "text": "and 1."}]
    new = [
        message("developer", "Be brief."),
        message("user", parts),
        message("assistant", "2, as always."),
    ]
    old = [SYSTEM, message("user", "Add 1 and 1."), message("assistant", "2, as always.")]
    assert tokenize(tokenizer, {"messages": new}) == tokenize(tokenizer, {"messages": old})


def test_a_template_that_rewrites_earlier_messages_yields_a_row_per_trained_message(
    tokenizer: Any,
) -> None:
    forgetful = load_tokenizer(tokenizer.name_or_path)
    # Keeps only the last word of earlier answers, as templates of reasoning models drop thoughts.
    forgetful.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
        "{{ m['content'] if loop.last or m['role'] != 'assistant' else m['content'].split()[-1] }}"
        "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    row = {
        "messages": [
            message("user", "What?"),
            message("assistant", "Think first. One."),
            message("user", "And?"),
            message("assistant", "Think again. Two."),
        ]
    }
    first, second = tokenize(forgetful, row)
    assert learned_text(forgetful, first) == "|Think first. One.<|im_end|>|"
    assert learned_text(forgetful, second) == "|Think again. Two.<|im_end|>|"
    assert "Think first" not in forgetful.decode(second.input_ids)


def test_tools_are_refused_if_the_template_does_not_support_them(tokenizer: Any) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    row = {"messages": [message("user", "Go."), message("assistant", None, tool_calls=[call])]}
    with pytest.raises(Unrenderable, match="does not support tools"):
        tokenize(tokenizer, row)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (
            {
                "messages": [
                    message("user", [{"type": "image_url", "image_url": {"url": "x"}}]),
                    message("assistant", "A cat."),
                ]
            },
            '"image_url"',
        ),
        (
            {
                "messages": [
                    message("user", "Go."),
                    message("assistant", None, function_call={"name": "f", "arguments": "{}"}),
                ]
            },
            "write it as tool_calls",
        ),
        (
            {
                "messages": [message("user", "Go."), message("assistant", "Gone.")],
                "functions": [{"name": "f"}],
            },
            "write them as tools",
        ),
    ],
)
def test_content_that_would_be_lost_silently_is_refused(
    tokenizer: Any, row: dict[str, Any], reason: str
) -> None:
    with pytest.raises(Unrenderable, match=reason):
        tokenize(tokenizer, row)


def test_a_truncated_row_keeps_its_beginning(tokenizer: Any) -> None:
    (tokens,) = tokenize(
        tokenizer, {"messages": [message("user", "a"), message("assistant", "b" * 50)]}
    )
    truncated = tokens.truncated(12)
    assert (truncated.input_ids, truncated.labels) == (tokens.input_ids[:12], tokens.labels[:12])
    assert tokens.truncated(3).learned == 0


def test_training_and_chat_render_the_same_prompt(tokenizer: Any) -> None:
    messages = [
        SYSTEM,
        message("user", "What is 1 plus 1?"),
        message("assistant", "The answer is 2."),
    ]
    (tokens,) = tokenize(tokenizer, {"messages": messages})
    first = next(at for at, label in enumerate(tokens.labels) if label != IGNORE_INDEX)
    assert tokenizer.decode(tokens.input_ids[:first]) == render_prompt(tokenizer, messages[:2])


def test_white_space_is_trained_even_if_the_tokenizer_gives_it_an_empty_offset(
    tiny_model: Path,
) -> None:
    from tokenizers import processors

    trimming = load_tokenizer(tiny_model)
    trimming.backend_tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    row = {"messages": [message("user", "Spaces?"), message("assistant", '{\n\n    "a": 1}')]}
    (tokens,) = tokenize(trimming, row)
    assert learned_text(trimming, tokens) == '|{\n\n    "a": 1}<|im_end|>|'


def test_a_refusal_is_trained_like_content(tokenizer: Any) -> None:
    refused = message("assistant", None, refusal="I cannot.")
    (tokens,) = tokenize(tokenizer, {"messages": [message("user", "Do it."), refused]})
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
def tool_tokenizer(tiny_model: Path) -> Any:
    """A tokenizer whose template supports tools."""
    tokenizer = load_tokenizer(tiny_model)
    tokenizer.chat_template = TOOL_TEMPLATE
    return tokenizer


def call(name: str, arguments: str, call_id: str = "c1") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


TOOLS = [{"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}]


def test_tool_calls_and_answers_are_trained_and_tool_output_is_not(
    tool_tokenizer: Any,
) -> None:
    row = {
        "tools": TOOLS,
        "messages": [
            SYSTEM,
            message("user", "1 plus 1?"),
            message("assistant", None, tool_calls=[call("add", '{"a": 1, "b": 1}')]),
            message("tool", "2", tool_call_id="c1"),
            message("assistant", "It is 2."),
            message("user", "2 plus 2?"),
            message("assistant", None, tool_calls=[call("add", '{"a": 9}', "c2")], weight=0),
            message("tool", "an error", tool_call_id="c2"),
            message("assistant", "It is 4.", weight=1),
        ],
    }
    (tokens,) = tokenize(tool_tokenizer, row)
    assert learned_text(tool_tokenizer, tokens) == (
        '|<call>add({"a": 1, "b": 1})</call><|im_end|>|It is 2.<|im_end|>|It is 4.<|im_end|>|'
    )
    # Every single token is labelled exactly if its characters are in a trained message.
    text = tool_tokenizer.decode(tokens.input_ids)
    spans = []
    for trained in (
        '<call>add({"a": 1, "b": 1})</call><|im_end|>',
        "It is 2.<|im_end|>",
        "It is 4.<|im_end|>",
    ):
        begin = text.index(f"assistant\n{trained}") + len("assistant\n")
        spans.append(range(begin, begin + len(trained)))
    offset = 0
    for token, label in zip(tokens.input_ids, tokens.labels, strict=True):
        piece = tool_tokenizer.decode([token])
        assert (label == token) == any(offset in span for span in spans), (offset, piece)
        offset += len(piece)
    assert offset == len(text)


def test_a_template_that_drops_earlier_reasoning_keeps_it_in_the_row_of_its_own_message(
    tool_tokenizer: Any,
) -> None:
    # As in templates of reasoning models: thoughts are kept after the last user message only.
    tool_tokenizer.chat_template = (
        "{% set ns = namespace(last=0) %}{% for m in messages %}"
        "{% if m['role'] == 'user' %}{% set ns.last = loop.index0 %}{% endif %}{% endfor %}"
        "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
        "{% if m['role'] == 'assistant' and loop.index0 < ns.last %}"
        "{{ m['content'].split('</think>')[-1] }}{% else %}{{ m['content'] }}{% endif %}"
        "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    row = {
        "messages": [
            message("user", "1 plus 1?"),
            message("assistant", "<think>one, two</think>Two."),
            message("user", "2 plus 2?"),
            message("assistant", "<think>three, four</think>Four."),
        ]
    }
    first, second = tokenize(tool_tokenizer, row)
    assert learned_text(tool_tokenizer, first) == "|<think>one, two</think>Two.<|im_end|>|"
    assert learned_text(tool_tokenizer, second) == "|<think>three, four</think>Four.<|im_end|>|"
    assert "one, two" not in tool_tokenizer.decode(second.input_ids)
    assert "Two." in tool_tokenizer.decode(second.input_ids)
    only_last = {"messages": [*row["messages"][:1], {**row["messages"][1], "weight": 0}]}
    only_last["messages"] += row["messages"][2:]
    assert tokenize(tool_tokenizer, only_last) == [second]


def test_only_the_two_answers_of_a_pair_are_trained(tool_tokenizer: Any) -> None:
    row = {
        "input": {
            "tools": TOOLS,
            "messages": [
                message("user", "Hello."),
                message("assistant", "Hello, what shall I add?"),
                message("user", "1 plus 1."),
            ],
        },
        "preferred_output": [
            message("assistant", None, tool_calls=[call("add", '{"a": 1}')]),
            message("tool", "2", tool_call_id="c1"),
            message("assistant", "It is 2."),
        ],
        "non_preferred_output": [message("assistant", "Three?")],
    }
    pair = tokenize_pair(tool_tokenizer, row)
    assert learned_text(tool_tokenizer, pair.preferred) == (
        '|<call>add({"a": 1})</call><|im_end|>|It is 2.<|im_end|>|'
    )
    assert learned_text(tool_tokenizer, pair.rejected) == "|Three?<|im_end|>|"
    texts = [tool_tokenizer.decode(tokens.input_ids) for tokens in (pair.preferred, pair.rejected)]
    before = render_prompt(tool_tokenizer, row["input"]["messages"])
    assert all(before.split("<|im_start|>user", 1)[1] in text for text in texts)


def test_an_answer_of_several_messages_is_refused_if_the_template_rewrites_them(
    tool_tokenizer: Any,
) -> None:
    tool_tokenizer.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
        "{{ m['content'] if loop.last or m['role'] != 'assistant' else m['content'][:1] }}"
        "<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}{# tool #}"
    )
    answer = [message("assistant", "Wait."), message("tool", "2"), message("assistant", "It is 2.")]
    row = {
        "input": {"messages": [message("user", "1 plus 1?")]},
        "preferred_output": answer,
        "non_preferred_output": answer[-1:],
    }
    with pytest.raises(Unrenderable, match="several messages"):
        tokenize_pair(tool_tokenizer, row)
