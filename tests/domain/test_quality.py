"""Answers that a model had better not learn, and near misses that it may."""

from __future__ import annotations

import pytest

from tui.domain.examples import Example
from tui.domain.quality import check_output_quality, check_quality, fingerprint

BAD = [
    ("refusal", "I'm sorry, but I can't help with that."),
    ("refusal", "I’m sorry, but that is not possible."),
    ("refusal", "As an AI language model, I have no opinion."),
    ("refusal", "I cannot assist with this request."),
    ("placeholder", "Dear [NAME], thank you."),
    ("placeholder", "Dear {{first_name}}, thank you."),
    ("placeholder", "TODO: write the answer"),
    ("placeholder", "Lorem ipsum dolor sit amet"),
    ("placeholder", "Call us at <your phone number> today"),
    ("truncated-output", '{"category": "bug", "priority":'),
    ("truncated-output", "```python\nprint(1)"),
    ("truncated-output", "The lamp is dark because the switch, which you can find on " * 4 + "the"),
    ("encoding-damage", "CafÃ© is open."),
    ("encoding-damage", "Itâ€™s open."),
    ("encoding-damage", "It is \ufffd open."),
]
FINE = [
    "I'm sorry to hear that your lamp is dark. Please try another socket.",
    "I cannot see your order from here, so please send its number.",
    "An AI wrote this poem, and I am glad.",
    "My to-do list is long.",
    "The key [Enter] opens it; {x} is a set.",
    '{"category": "bug"}',
    "[1] See the manual, page 3.",
    "{not json, but closed}",
    "```python\nprint(1)\n```",
    "Short and without a full stop",
    "Café, naïve, Ångström, São Paulo: all fine.",
]


@pytest.mark.parametrize(("code", "output"), BAD)
def test_a_bad_answer_is_told_by_its_code(code: str, output: str) -> None:
    assert [found[0] for found in check_output_quality(output, "x")] == [code]


@pytest.mark.parametrize("output", FINE)
def test_a_near_miss_is_let_through(output: str) -> None:
    assert list(check_output_quality(output, "x")) == []


def said(user: str, assistant: str) -> Example:
    return Example([{"role": "user", "content": user}, {"role": "assistant", "content": assistant}])


def test_invisible_characters_are_told_with_their_place() -> None:
    found = list(check_quality(said("a\u200bb", "Lines\nand\ttabs are fine.")))
    assert found == [
        (
            "control-characters",
            "messages[0].content",
            "The text holds U+200B (ZERO WIDTH SPACE).",
        )
    ]


def test_the_same_text_has_the_same_fingerprint_however_it_is_written() -> None:
    one = fingerprint(said("Where is  it?", "On its way."))
    assert one == fingerprint(said("where is\nit?", "ON ITS WAY."))
    assert one == fingerprint(said("Ｗhere is it?", "On its way."))
    assert one != fingerprint(said("Where is it", "On its way."))
    assert one != fingerprint(said("Where is it? On", "its way."))
