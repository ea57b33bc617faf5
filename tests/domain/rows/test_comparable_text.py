"""Rows that say the same share a fingerprint, and no others do."""

from __future__ import annotations

from tui.domain.rows.comparable_text import fingerprint
from tui.domain.rows.formats import Example, Message


def question_with(*parts: dict[str, object]) -> Example:
    answer: Message = {"role": "assistant", "content": "A red lamp."}
    return Example([{"role": "user", "content": list(parts)}, answer])


def image(address: str) -> dict[str, object]:
    return {"type": "image_url", "image_url": {"url": address}}


def test_two_images_are_not_the_same_for_being_images() -> None:
    question = {"type": "text", "text": "What is this?"}
    value = fingerprint(question_with(question, image("https://example.com/a.png")))
    assert value != fingerprint(question_with(question, image("https://example.com/b.png")))
    assert value == fingerprint(question_with(question, image("https://example.com/a.png")))


def test_text_in_a_part_says_the_same_as_text_alone() -> None:
    answer: Message = {"role": "assistant", "content": "A red lamp."}
    alone = Example([{"role": "user", "content": "What  is THIS?"}, answer])
    assert fingerprint(question_with({"type": "text", "text": "What is this?"})) == fingerprint(
        alone
    )
