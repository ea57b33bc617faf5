"""Random damage to good rows: no crash, no wrong line number, and no broken row accepted."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, StrictStr, TypeAdapter, ValidationError
from support.problem_cases import (
    ANSWER,
    CALL,
    SYSTEM,
    USER,
    answer_to,
    calling,
    image,
    parts_row,
    row,
)

from tui.domain.rows.formats import Format
from tui.domain.rules.structure import check_line

GOOD = [
    row(USER, ANSWER),
    row(SYSTEM, USER, ANSWER, USER, ANSWER),
    row(USER, calling(CALL), answer_to("c1"), {**ANSWER, "weight": 1}),
    row(USER, calling(CALL), tools=[{"type": "function", "function": {"name": "find"}}]),
    parts_row({"type": "text", "text": "Look"}, image("https://example.com/lamp.png")),
    row({"role": "user", "content": 'He says "role": {"content": \\ []}'}, ANSWER),
]


class Strict(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)


class Function(Strict):
    name: Annotated[str, Field(min_length=1)]
    arguments: str


class Call(Strict):
    id: Annotated[str, Field(min_length=1)]
    type: Literal["function"] = "function"
    function: Function


class Message(Strict):
    """OpenAI's requirements for a message, independent of the rules under test."""

    model_config = ConfigDict(extra="forbid", strict=True)

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: StrictStr | Annotated[list[dict[str, Any]], Field(min_length=1)] | None = None
    name: str = ""
    weight: Literal[0, 1] | None = None
    tool_calls: Annotated[list[Call], Field(min_length=1)] | None = None
    tool_call_id: str | None = None
    function_call: dict[str, Any] | None = None
    refusal: str | None = None
    audio: Any = None


class Row(Strict):
    messages: Annotated[list[Message], Field(min_length=1)]
    tools: list[dict[str, Any]] | None = None


ROW = TypeAdapter(Row)


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def no_constant(name: str) -> None:
    raise ValueError(name)


def is_broken(raw: bytes, line: int = 1) -> bool:
    """Whether a chat row is unusable: a slow reference, independent of the rules.

    A file may begin with a byte order mark; no other line may.
    """
    raw = raw.removeprefix(b"\xef\xbb\xbf") if line == 1 else raw
    try:
        value = json.loads(raw.decode(), object_pairs_hook=once, parse_constant=no_constant)
        json.dumps(value, ensure_ascii=False).encode()
        messages = ROW.validate_python(value).messages
    except (ValueError, RecursionError, ValidationError):
        return True
    call_ids = [call.id for message in messages for call in message.tool_calls or ()]
    return (
        all(message.role != "assistant" for message in messages)
        or any(lacks_content(message) for message in messages)
        or any(
            message.role == "tool" and message.tool_call_id not in call_ids for message in messages
        )
        or len(set(call_ids)) < len(call_ids)
    )


def lacks_content(message: Message) -> bool:
    otherwise = message.tool_calls or message.function_call or message.refusal or message.audio
    if isinstance(message.content, str):
        return not message.content.strip() and message.role != "system" and not otherwise
    return message.content is None and not (message.role == "assistant" and otherwise)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A good row with one to three random damages."""
    raw = draw(st.sampled_from(GOOD))
    for _ in range(draw(st.integers(1, 3))):
        raw = draw(st.sampled_from(ACCIDENTS))(raw, draw)
    return raw.replace(b"\n", b" ")


def cut(raw: bytes, draw: st.DrawFn) -> bytes:
    at = draw(st.integers(0, len(raw)))
    return raw[:at] + raw[at + draw(st.integers(0, 40)) :]


def cut_off(raw: bytes, draw: st.DrawFn) -> bytes:
    return raw[: draw(st.integers(0, len(raw)))]


def flip(raw: bytes, draw: st.DrawFn) -> bytes:
    at = draw(st.integers(0, max(0, len(raw) - 1)))
    return raw[:at] + bytes([draw(st.integers(0, 255))]) + raw[at + 1 :]


def swap_quotes(raw: bytes, draw: st.DrawFn) -> bytes:
    return raw.replace(
        b'"', draw(st.sampled_from([b"'", b"\xe2\x80\x9c", b'""', b"`"])), draw(st.integers(1, 9))
    )


def insert(raw: bytes, draw: st.DrawFn) -> bytes:
    at = draw(st.integers(0, len(raw)))
    inserted = [
        b"\x00",
        b"\x1b[2J",
        b"\xff",
        b"\xed\xa0\x80",
        b"\\ud800",
        b"NaN",
        b"\xef\xbb\xbf",
        b"\r",
    ]
    return raw[:at] + draw(st.sampled_from(inserted)) + raw[at:]


def double(raw: bytes, draw: st.DrawFn) -> bytes:
    at, end = sorted((draw(st.integers(0, len(raw))), draw(st.integers(0, len(raw)))))
    return raw[:end] + raw[at:end] + raw[end:]


def drop_or_replace(raw: bytes, draw: st.DrawFn) -> bytes:
    """Drop a key or element, or put another value in its place."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return raw
    part, places = value, []
    while isinstance(part, dict | list) and part:
        key = draw(st.sampled_from(sorted(part) if isinstance(part, dict) else range(len(part))))
        places.append((part, key))
        part = part[key]
    if not places:
        return raw
    holder, key = draw(st.sampled_from(places))
    if draw(st.booleans()):
        del holder[key]
    else:
        holder[key] = draw(st.sampled_from([None, "", 0, True, 1.5, [], {}, [None], "bot", "user"]))
    return json.dumps(value).encode()


ACCIDENTS = [cut, cut_off, flip, swap_quotes, insert, double, drop_or_replace, drop_or_replace]


def test_the_good_rows_pass_the_rules_and_the_reference_check() -> None:
    for raw in GOOD:
        assert not is_broken(raw)
        assert check_line(raw, 1)[0] is not None


@given(raw=damaged(), line=st.integers(1, 1 << 40))
@example(raw=b"", line=1)
@example(raw=b"[" * 200_000, line=2)
@example(raw=b'{"a":' * 100_000, line=3)
def test_a_broken_row_is_never_accepted_and_keeps_its_line_number(raw: bytes, line: int) -> None:
    result, problems = check_line(raw, line)
    assert {problem.line for problem in problems} <= {line}
    assert (result is None) == any(problem.severity == "error" for problem in problems)
    if is_broken(raw, line):
        assert result is None, problems


@given(raw=damaged())
def test_no_damage_crashes_the_rules_of_any_format(raw: bytes) -> None:
    for kind in Format:
        result, problems = check_line(raw, 5, kind)
        assert {problem.line for problem in problems} <= {5}
        assert (result is None) or all(problem.severity == "warning" for problem in problems)
