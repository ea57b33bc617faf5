"""Answers with quality problems, and near misses without."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.rows.check_options import CheckOptions
from tui.domain.rows.comparable_text import fingerprints
from tui.domain.rows.formats import Example
from tui.domain.rules.quality import (
    check_quality,
    find_damage,
    find_invisible,
    find_placeholder,
)
from tui.domain.rules.secret_detection import find_personal_data, find_secret

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
    ("truncated-output", "The lamp is dark because it stands in the sun and"),
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
    "A title as long as a sentence, And Nothing Behind It",
    "Short, ends with the",
    "Café, naïve, Ångström, São Paulo: all fine.",
]


def exchange(user: str, assistant: str) -> Example:
    return Example([{"role": "user", "content": user}, {"role": "assistant", "content": assistant}])


@pytest.mark.parametrize(("code", "output"), BAD)
def test_a_bad_answer_is_reported_by_its_code(code: str, output: str) -> None:
    assert [finding[0] for finding in check_quality(exchange("Where is it?", output))] == [code]


@pytest.mark.parametrize("output", FINE)
def test_a_near_miss_is_not_reported(output: str) -> None:
    assert list(check_quality(exchange("Where is it?", output))) == []


_PIECES = (
    *("TODO", "FIXME", "TBD", "XXX", "Lorem ipsum", "{{a}}", "[NAME]", "<your name>", "\x07", "é"),
    *("sk-" + "a1" * 12, "AKIA" + "A7" * 8, "ghp_" + "a1" * 18, "xoxb-" + "a1" * 8, "\u200b", "_"),
    *("hf_" + "a1" * 16, "AIza" + "a1" * 17 + "a", "-----BEGIN PRIVATE KEY-----", "�", "\t"),
    *("eyJ" + "a" * 8 + ".eyJ" + "a" * 8 + "." + "a" * 8, "github_pat_" + "a1" * 11),
    *("anna.meier@mail-house.de", "4111 1111 1111 1111", "4111-1111-1111-1111", "4711", "Jonas"),
)


@given(
    st.lists(
        st.lists(st.sampled_from(_PIECES) | st.text(max_size=5), max_size=3).map(" ".join),
        min_size=2,
        max_size=2,
    )
)
def test_the_test_for_marks_misses_nothing_that_a_detector_finds(texts: list[str]) -> None:
    detectors = {
        "placeholder": find_placeholder,
        "encoding-damage": find_damage,
        "secret": find_secret,
        "personal-data": find_personal_data,
        "control-characters": find_invisible,
    }
    found = {code for code, find in detectors.items() if any(map(find, texts))}
    example = Example(
        [
            {"role": role, "content": text}
            for role, text in zip(("system", "assistant"), texts, strict=True)
        ]
    )
    assert found == {code for code, _, _ in check_quality(example)} & detectors.keys()


def test_invisible_characters_are_reported_with_their_place() -> None:
    findings = list(check_quality(exchange("a\u200bb", "Lines\nand\ttabs are fine.")))
    assert findings == [
        (
            "control-characters",
            "messages[0].content",
            "The text contains U+200B (ZERO WIDTH SPACE).",
        )
    ]


def test_answers_that_are_not_trained_on_are_not_checked() -> None:
    refusing = {"role": "assistant", "content": "I cannot assist with this request."}
    weighted = Example([*exchange("a", "b").messages, {**refusing, "weight": 0}])  # type: ignore[typeddict-item]
    assert list(check_quality(weighted)) == []
    worse = Example(exchange("a", "").messages, preferred=[], rejected=[refusing])  # type: ignore[list-item]
    assert list(check_quality(worse)) == []


def test_every_text_of_a_row_is_checked() -> None:
    mail = "anna@lampen-berg.de"
    call = {"function": {"name": "write", "arguments": f'{{"to": "{mail}"}}'}}
    example = Example(
        [
            {"role": "user", "content": [{"type": "text", "text": mail}]},
            {"role": "assistant", "content": None, "tool_calls": [call]},
        ],
        rejected=[{"role": "assistant", "content": mail}],
    )
    assert [where for _, where, _ in check_quality(example)] == [
        "messages[0].content[0].text",
        "messages[1].tool_calls[0].function.arguments",
        "non_preferred_output[0].content",
    ]


def test_a_rule_that_is_switched_off_is_not_applied() -> None:
    options = CheckOptions(off=frozenset({"refusal"}))
    answer = " I'm sorry, but I can't help with that."
    assert [code for code, _, _ in check_quality(exchange("a", answer), options)] == [
        "outer-whitespace"
    ]


def test_a_fingerprint_ignores_case_spacing_and_character_width() -> None:
    original = fingerprints(exchange("Where is  it?", "On its way."))
    assert original == fingerprints(exchange("where is\nit?", "ON ITS WAY."))
    assert original == fingerprints(exchange("Ｗhere is it?", "On its way."))
    assert original != fingerprints(exchange("Where is it", "On its way."))
    assert original != fingerprints(exchange("Where is it? On", "its way."))
