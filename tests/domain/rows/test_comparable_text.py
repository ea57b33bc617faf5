"""Rows with the same content have the same fingerprint, and no others do."""

from __future__ import annotations

from tui.domain.rows.comparable_text import fingerprint
from tui.domain.rows.formats import Example, Message


def question_with(*parts: dict[str, object]) -> Example:
    answer: Message = {"role": "assistant", "content": "A red lamp."}
    return Example([{"role": "user", "content": list(parts)}, answer])


def image(address: str) -> dict[str, object]:
    return {"type": "image_url", "image_url": {"url": address}}


def test_different_images_have_different_fingerprints() -> None:
    question = {"type": "text", "text": "What is this?"}
    value = fingerprint(question_with(question, image("https://example.com/a.png")))
    assert value != fingerprint(question_with(question, image("https://example.com/b.png")))
    assert value == fingerprint(question_with(question, image("https://example.com/a.png")))


def test_a_text_part_and_plain_text_have_the_same_fingerprint() -> None:
    answer: Message = {"role": "assistant", "content": "A red lamp."}
    alone = Example([{"role": "user", "content": "What  is THIS?"}, answer])
    assert fingerprint(question_with({"type": "text", "text": "What is this?"})) == fingerprint(
        alone
    )
