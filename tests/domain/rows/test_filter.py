"""The filter typed after `/`, and which rows contain a text."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.rows.filter import STATES, RowFilter, text_finder
from tui.domain.rows.problems import KINDS


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
def test_text_and_conditions_are_parsed_separately(
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
        ("code:", "code: needs a problem code right after it."),
        ("is:ok,", "is: needs a state right after it."),
    ],
)
def test_an_unknown_condition_is_refused_with_the_nearest_name(typed: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        RowFilter.parse(typed)


@given(
    st.text(min_size=1),
    st.frozensets(st.sampled_from(sorted(KINDS))),
    st.frozensets(st.sampled_from(STATES)),
)
def test_the_text_of_a_filter_parses_to_the_same_filter(
    text: str, codes: frozenset[str], states: frozenset[str]
) -> None:
    query = RowFilter(text, codes, states)
    assert RowFilter.parse(query.to_text()) == query


@given(st.text())
def test_any_typed_text_is_a_filter_or_refused_with_a_sentence(typed: str) -> None:
    refusal = "There is none?"
    try:
        RowFilter.parse(typed)
    except ValueError as refused:
        refusal = str(refused)
    assert refusal.startswith(("There is no", "code: needs", "is: needs"))
    assert refusal.endswith((".", "?"))


def test_an_empty_filter_is_false_and_has_no_text() -> None:
    assert not RowFilter()
    assert RowFilter.parse("is:ok")
    assert RowFilter().to_text() == ""


def row(text: str, *, escaped: bool) -> bytes:
    """A row as JSON, with or without escapes for characters that are not ASCII."""
    return json.dumps({"messages": [{"content": text}]}, ensure_ascii=escaped).encode()


def matching_rows(query: str, *rows: bytes) -> list[int]:
    return text_finder(query)(rows)


@pytest.mark.parametrize("escaped", [True, False])
@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("Where is my REFUND?", "refund"),
        ("Größe XL", "GRÖßE"),
        ("Привет, мир", "привет"),
        ("日本語のメール", "本語"),
        ("so good 😀!", "😀"),
        ('he said "no"', '"no"'),
        ("C:\\temp", "c:\\TEMP"),
        ("and/or", "and/or"),
        ("a\tb", "a\tb"),
        ("cafe\u0301", "café"),
        ("café", "cafe\u0301"),
        ("50% (of) [all] a.b*", "[ALL] A.B*"),
    ],
)
def test_a_text_is_found_in_any_case_and_escaping(text: str, query: str, escaped: bool) -> None:
    without_text = row("Something else altogether.", escaped=escaped)
    rows = [
        without_text,
        row(text, escaped=escaped),
        b"",
        without_text,
        row(text * 2, escaped=escaped),
    ]
    assert text_finder(query)(rows) == [1, 4]


def test_text_behind_unnecessary_escapes_is_found() -> None:
    rows = [b'{"a": "\\u0072\\u0045fund"}', b'{"a": "a\\/b refund"}', b'{"a": "it\\u0027s"}']
    assert matching_rows("refund", *rows) == [0, 1]
    assert matching_rows("a/b", *rows) == [1]
    assert matching_rows("it's", *rows) == [2]


def test_json_syntax_can_be_searched_for() -> None:
    rows = [b'{"role": "user", "name": "Eve"}', b'{"role":"user"}']
    assert matching_rows('"role": "user"', *rows) == [0]
    assert matching_rows('"ROLE":', *rows) == [0, 1]


def test_a_match_never_spans_two_rows() -> None:
    assert matching_rows("ab", b"a", b"b", b"ab") == [2]
    assert matching_rows("é", b"\xc3", b"\xa9") == []


def test_rows_that_are_not_json_are_searched_too() -> None:
    rows = [b'{"messages": [{"content": "My Refund', b"\xff\xfe refund \x00"]
    assert matching_rows("refund", *rows) == [0, 1]
    assert matching_rows("refund") == matching_rows("refund", b"") == []


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4),
    st.lists(st.tuples(st.text(max_size=9), st.booleans(), st.text(max_size=9)), max_size=5),
    st.booleans(),
)
def test_every_row_with_the_text_is_found_at_its_position(
    query: str, rows: list[tuple[str, bool, str]], escaped: bool
) -> None:
    texts = [before + query * holds + after for before, holds, after in rows]
    with_text = {place for place, (_, holds, _) in enumerate(rows) if holds}
    places = matching_rows(query, *(row(text, escaped=escaped) for text in texts))
    assert with_text <= set(places)
    assert places == sorted(set(places))


@given(st.lists(st.sampled_from(["refund", "paid", "re", "fund"])))
def test_plain_words_are_found_only_in_their_rows(terms: list[str]) -> None:
    rows = [word.encode() for word in terms]
    assert matching_rows("Refund", *rows) == [
        at for at, word in enumerate(terms) if word == "refund"
    ]
