"""Rows with the same content have the same fingerprint, and no others do."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tui.domain.rows.comparable_text import Fingerprints, fingerprints
from tui.domain.rows.formats import Example, Message


def question_with(*parts: dict[str, object]) -> Example:
    answer: Message = {"role": "assistant", "content": "A red lamp."}
    return Example([{"role": "user", "content": list(parts)}, answer])


def image(address: str) -> dict[str, object]:
    return {"type": "image_url", "image_url": {"url": address}}


def test_different_images_have_different_fingerprints() -> None:
    question = {"type": "text", "text": "What is this?"}
    value = fingerprints(question_with(question, image("https://example.com/a.png")))
    assert value != fingerprints(question_with(question, image("https://example.com/b.png")))
    assert value == fingerprints(question_with(question, image("https://example.com/a.png")))


def test_a_text_part_and_plain_text_have_the_same_fingerprint() -> None:
    answer: Message = {"role": "assistant", "content": "A red lamp."}
    alone = Example([{"role": "user", "content": "What  is THIS?"}, answer])
    assert fingerprints(question_with({"type": "text", "text": "What is this?"})) == fingerprints(
        alone
    )


@pytest.mark.parametrize("indentation", ["", " ", "    ", "\t"])
def test_indentation_makes_another_program_of_the_same_words(indentation: str) -> None:
    def program(spaces: str) -> Fingerprints:
        return fingerprints(question_with({"type": "text", "text": f"if x:\n\ty\n{spaces}z"}))

    assert program(indentation) != program("  ")


@given(
    st.text(st.characters(max_codepoint=0x7F) | st.sampled_from("ﬁßＷé\u3000\u2003"), max_size=40)
)
def test_case_white_space_and_compatibility_characters_are_ignored(text: str) -> None:
    assume(not re.search("\n[ \t]", text))
    folded = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    part = {"type": "text", "text": text}
    assert fingerprints(question_with(part)) == fingerprints(question_with(part | {"text": folded}))
