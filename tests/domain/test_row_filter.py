"""What a person types after `/`, and which rows hold a text."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.problems import KINDS
from tui.domain.row_filter import STATES, RowFilter, text_finder


@pytest.mark.parametrize(
    ("typed", "text", "codes", "states"),
    [
        ("", "", set(), set()),
        ("   ", "", set(), set()),
        ("refund", "refund", set(), set()),
        ("refund code:no-assistant is:invalid", "refund", {"no-assistant"}, {"invalid"}),
        ("is:invalid  late   refund", "late refund", set(), {"invalid"}),
        ("late code:refusal refund", "late refund", {"refusal"}, set()),
        ("code:refusal,placeholder code:not-json", "", {"refusal", "placeholder", "not-json"}, ()),
        ("is:warned is:edited", "", set(), {"warned", "edited"}),
        ("code:NO-ASSISTANT", "", {"no-assistant"}, set()),
        ('"is:invalid"', "is:invalid", set(), set()),
        ('"two  spaces" is:ok', "two  spaces", set(), {"ok"}),
        ('"still being ty', "still being ty", set(), set()),
        ('"', "", set(), set()),
        (r'"she said \"no\""', 'she said "no"', set(), set()),
        ('a 5" nail', 'a 5" nail', set(), set()),
        ('"role":"user"', '"role":"user"', set(), set()),
        ("http://code:80", "http://code:80", set(), set()),
    ],
)
def test_words_and_conditions_are_told_apart(
    typed: str, text: str, codes: set[str], states: set[str]
) -> None:
    assert RowFilter.parse(typed) == RowFilter(text, frozenset(codes), frozenset(states))


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (
            "code:no-asistant",
            "There is no problem code no-asistant. Did you mean code:no-assistant",
        ),
        ("is:invald", "There is no state invald. Did you mean is:invalid?"),
        ("is:zzz", "Known are invalid, warned, ok, excluded, edited."),
        ("code:zzz", "There is no problem code zzz."),
        ("code:", "code: wants a problem code right behind it."),
        ("is:ok,", "is: wants a state right behind it."),
    ],
)
def test_what_does_not_exist_is_refused_and_the_nearest_named(typed: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        RowFilter.parse(typed)


@given(
    st.text(min_size=1),
    st.frozensets(st.sampled_from(sorted(KINDS))),
    st.frozensets(st.sampled_from(STATES)),
)
def test_the_words_of_a_filter_are_read_back_as_the_same_filter(
    text: str, codes: frozenset[str], states: frozenset[str]
) -> None:
    asked = RowFilter(text, codes, states)
    assert RowFilter.parse(asked.words()) == asked


@given(st.text())
def test_whatever_is_typed_is_a_filter_or_refused_in_a_sentence(typed: str) -> None:
    refusal = "There is none?"
    try:
        RowFilter.parse(typed)
    except ValueError as refused:
        refusal = str(refused)
    assert refusal.startswith(("There is no", "code: wants", "is: wants"))
    assert refusal.endswith((".", "?"))


def test_an_empty_filter_asks_for_nothing() -> None:
    assert not RowFilter()
    assert RowFilter.parse("is:ok")
    assert RowFilter().words() == ""


def row(text: str, *, escaped: bool) -> bytes:
    """A row as writers write it: with or without escapes for what is not ASCII."""
    return json.dumps({"messages": [{"content": text}]}, ensure_ascii=escaped).encode()


@pytest.mark.parametrize("escaped", [True, False])
@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("Where is my REFUND?", "refund"),
        ("Größe XL", "GRÖSSE"),
        ("Привет, мир", "привет"),
        ("日本語のメール", "本語"),
        ("so good 😀!", "😀"),
        ('he said "no"', '"no"'),
        ("C:\\temp", "c:\\TEMP"),
        ("and/or", "and/or"),
    ],
)
def test_a_text_is_found_in_any_case_and_however_it_is_written(
    text: str, asked: str, escaped: bool
) -> None:
    assert text_finder(asked)(row(text, escaped=escaped))
    assert not text_finder(asked)(row("Something else altogether.", escaped=escaped))


@pytest.mark.parametrize("raw", [b'{"a": "\\u0072\\u0065fund"}', b'{"a": "a\\/b refund"}'])
def test_escapes_that_nobody_needs_hide_nothing(raw: bytes) -> None:
    assert text_finder("refund")(raw)
    assert text_finder("a/b")(raw) == (b"/" in raw)


def test_a_row_that_is_no_json_is_searched_as_it_is_written() -> None:
    assert text_finder("refund")(b'{"messages": [{"content": "My Refund')
    assert text_finder('"content": "my')(b'{"messages": [{"content": "My \\u00e9 Refund')
    assert text_finder("refund")(b"\xff\xfe refund \x00")
    assert not text_finder("é")(b'{"content": "\\u00e9')


@given(st.text(min_size=1, max_size=4), st.text(max_size=12), st.text(max_size=12))
def test_no_row_that_holds_the_text_is_missed(asked: str, before: str, after: str) -> None:
    for escaped in (True, False):
        assert text_finder(asked)(row(before + asked + after, escaped=escaped))
