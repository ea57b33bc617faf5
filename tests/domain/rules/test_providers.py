"""The rules of one service: a row is refused under the rules of the service that refuses it."""

from __future__ import annotations

from typing import Any

import pytest
from support.problem_cases import (
    ANSWER,
    CALL,
    DESCRIBED,
    GOOD,
    LINK,
    MISTRAL,
    PNG,
    TOGETHER,
    USER,
    answer_to,
    calling,
    parts_row,
    row,
)

from tui.domain.rows.check_options import CheckOptions
from tui.domain.rules.structure import check_line

OPENAI = CheckOptions(rules_of="openai")
BOM = b"\xef\xbb\xbf"


def errors(raw: bytes, options: CheckOptions) -> list[tuple[str, str, str]]:
    problems = check_line(raw, 1, options=options)[1]
    return [(each.code, each.where, each.message) for each in problems if each.severity == "error"]


def with_image(image_url: Any) -> bytes:
    return parts_row({"type": "image_url", "image_url": image_url})


def test_openai_refuses_an_image_url_that_is_a_string() -> None:
    ((code, where, message),) = errors(with_image(LINK), OPENAI)
    assert (code, where) == ("bad-image", "messages[0].content[0].image_url")
    assert message == '`image_url` is a string; OpenAI requires an object: {"url": ...}.'
    assert errors(with_image(LINK), MISTRAL) == []


def test_openai_and_together_do_not_know_parts_of_type_image() -> None:
    raw = parts_row({"type": "image", "image": LINK})
    for options, name in ((OPENAI, "OpenAI"), (TOGETHER, "Together")):
        ((code, where, message),) = errors(raw, options)
        assert (code, where) == ("bad-part", "messages[0].content[0].type")
        assert message == f'{name} does not know parts of type "image"; images are "image_url".'


@pytest.mark.parametrize("detail", ["ultra", "", 3, ["low"]])
def test_openai_refuses_an_unknown_detail(detail: Any) -> None:
    ((code, where, message),) = errors(with_image({"url": LINK, "detail": detail}), OPENAI)
    assert (code, where) == ("bad-image", "messages[0].content[0].image_url.detail")
    assert message.endswith("is unknown; use auto, high, low.")


@pytest.mark.parametrize("detail", ["auto", "low", "high", None])
def test_a_known_detail_is_accepted(detail: str | None) -> None:
    assert errors(with_image({"url": LINK, "detail": detail}), OPENAI) == []
    inline = {"url": f"data:image/png;base64,{PNG}", "detail": "ultra"}
    assert errors(with_image(inline), TOGETHER) == []


@pytest.mark.parametrize("call_id", ["call_0", "abcdefgh", "abcdefghij", "abcdefgh-", "äbcdefghi"])
def test_mistral_refuses_call_ids_that_are_not_nine_letters_and_digits(call_id: str) -> None:
    call = {**CALL, "id": call_id}
    raw = row(USER, calling(call), answer_to(call_id), ANSWER, tools=[DESCRIBED])
    ((code, where, message),) = errors(raw, MISTRAL)
    assert (code, where) == ("bad-tool-call-id", "messages[1].tool_calls[0].id")
    assert message.endswith("is not 9 letters and digits, as Mistral requires.")
    assert errors(raw, OPENAI) == []
    newer = CheckOptions(rules_of="mistral", off=frozenset({"bad-tool-call-id"}))
    assert errors(raw, newer) == [], "V13 and V15 accept any id"


def test_mistral_accepts_call_ids_of_nine_letters_and_digits() -> None:
    raw = row(USER, calling({**CALL, "id": "aB3dE6gH9"}), answer_to("aB3dE6gH9"), ANSWER)
    assert errors(raw, MISTRAL) == []


def test_mistral_refuses_content_beside_calls() -> None:
    call = {**CALL, "id": "aB3dE6gH9"}
    both = {**calling(call), "content": "I will look it up."}
    raw = row(USER, both, answer_to("aB3dE6gH9"), ANSWER)
    ((code, where, _),) = errors(raw, MISTRAL)
    assert (code, where) == ("content-beside-calls", "messages[1]")
    assert errors(raw, OPENAI) == []


def test_together_refuses_a_byte_order_mark() -> None:
    assert [code for code, _, _ in errors(BOM + GOOD, TOGETHER)] == ["byte-order-mark"]
    assert errors(BOM + GOOD, OPENAI) == []
