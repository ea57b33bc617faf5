"""Untrusted text on the screen: control characters are removed and nothing else is lost."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain import text
from tui.widgets.line_table import fit


@given(st.text(), st.booleans())
def test_scrubbed_text_has_no_control_or_bidi_characters(foreign: str, lines: bool) -> None:
    scrubbed = text.scrub(foreign, lines=lines)
    if lines:
        scrubbed = scrubbed.replace("\n", "")
    assert not [char for char in scrubbed if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")]
    assert not [
        char for char in scrubbed if unicodedata.bidirectional(char) in ("RLO", "LRO", "RLI")
    ]


@pytest.mark.parametrize(
    ("foreign", "scrubbed"),
    [
        ("X\x1b]0;PWNED\x07Y", "X�Y"),
        ("X\x1b]0;PWNED\x1b\\Y", "X�Y"),
        ("\x1b[31mred\x1b[0m", "�red�"),
        ("\x9b31mred", "�red"),
        ("a\x00b", "a�b"),
        ("user\u202egnp.exe", "user�gnp.exe"),
        ("one\r\ntwo\tthree", "one two three"),
        ("[/] [red]kept as it is[/red]", "[/] [red]kept as it is[/red]"),
        ("日本語 und Grüße", "日本語 und Grüße"),
    ],
)
def test_an_escape_sequence_is_replaced_by_one_mark(foreign: str, scrubbed: str) -> None:
    assert text.scrub(foreign) == scrubbed


def test_an_unfinished_escape_sequence_does_not_hide_the_text_after_it() -> None:
    assert "the rest is still here" in text.scrub("\x1b]0;the rest is still here")


def test_emoji_lose_their_joiners_without_a_mark() -> None:
    assert text.scrub("❤️ 👨‍👩‍👧") == "❤ 👨👩👧"
    assert not text.has_unsafe("❤️ 👨‍👩‍👧")


def test_line_breaks_are_kept_if_lines_are_allowed() -> None:
    assert text.scrub("a\r\nb\tc\x1b[2J", lines=True) == "a\nb    c�"


def test_a_preview_of_a_megabyte_is_short_and_ends_with_an_ellipsis() -> None:
    preview = text.preview("word " * 200_000, 20)
    assert len(preview) == 20
    assert preview.endswith("…")
    assert text.preview("short", 20) == "short"


@given(st.text(max_size=50))
def test_text_is_unsafe_if_scrubbing_changes_it(foreign: str) -> None:
    plain = foreign.replace("\u200d", "")
    if text.has_unsafe(plain):
        assert text.UNSAFE_MARK in text.scrub(plain, lines=True)


@pytest.mark.parametrize(
    ("seconds", "formatted"),
    [(0, "0:00"), (43.4, "0:43"), (725, "12:05"), (11_045, "3:04:05"), (183_600, "2d 3h")],
)
def test_durations_are_formatted_like_a_clock(seconds: float, formatted: str) -> None:
    assert text.duration(seconds) == formatted


@pytest.mark.parametrize(
    ("seconds", "formatted"),
    [(0.5, "now"), (12, "12 s ago"), (300, "5 min ago"), (90_000, "1 d ago")],
)
def test_ages_are_formatted_in_words(seconds: float, formatted: str) -> None:
    assert text.ago(seconds) == formatted


def test_numbers_have_separators_signs_and_no_superfluous_digits() -> None:
    assert text.number(1_204_331) == "1,204,331"
    assert text.plural(1, "row") == "1 row"
    assert text.plural(2, "entry", "entries") == "2 entries"
    assert text.signed(0.97) == "+0.97"
    assert text.signed(-0.001) == "0.00"
    assert text.loss(None) == "–"
    assert text.loss(0.0837) == "0.084"


def test_wide_characters_take_two_cells_and_combining_accents_none() -> None:
    assert text.cell_width("日本") == 4
    assert text.cell_width("e\u0301") == 1


@pytest.mark.parametrize(
    "word",
    [
        "हिन्दी",
        "தமிழ்",
        "ภาษาไทย",
        "1\ufe0f\u20e3",
        "\U0001f1f3\U0001f1f4",
        "👩\u200d🚀",
        "日本語",
        "ｗｉｄｅ",
        "ﷺ",
    ],
    ids=["hindi", "tamil", "thai", "keycap", "flag", "zwj-emoji", "cjk", "full-width", "ligature"],
)
def test_the_computed_width_is_the_number_of_table_cells(word: str) -> None:
    scrubbed = text.scrub(word)
    padding = fit(word, 30).removeprefix(scrubbed)
    assert padding.isspace()
    assert text.cell_width(scrubbed) == 30 - len(padding)
