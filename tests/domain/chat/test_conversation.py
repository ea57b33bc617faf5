"""The messages of a chat, the status of answers, the diff of two answers."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.domain.chat.conversation import (
    Answer,
    Chat,
    ChatSettings,
    Ended,
    Ending,
    Turn,
    differences,
    questions,
    readable,
)
from tui.domain.chat.descriptions import answer_status, settings_line
from tui.domain.chat.stream import MAX_BYTES, AnswerReader, Failure, Piece
from tui.domain.evaluation.case_set import read_case_set
from tui.domain.tone import Tone


def ended(text: str, how: Ended = Ended.COMPLETE, tokens: int | None = None) -> Answer:
    answer = Answer(started_at=0.0)
    if text:
        answer.add(text, 0.5)
    answer.end(Ending(how, tokens), 1.0)
    return answer


def chat(*turns: Turn, system: str = "") -> Chat:
    return Chat({"base": "b", "tuned": "t"}, ChatSettings(system), turns=list(turns))


def test_each_side_continues_from_its_own_answers() -> None:
    first = Turn("Hi", answers={"base": ended("Hello"), "tuned": ended("Hey")})
    messages = chat(first, Turn("And?"), system="Be brief.").messages("tuned")
    assert [message["content"] for message in messages] == ["Be brief.", "Hi", "Hey", "And?"]


@settings(deadline=None)
@given(st.lists(st.sampled_from(["", "text"]), max_size=8))
def test_user_and_assistant_alternate_whatever_failed(texts: list[str]) -> None:
    turns = [Turn("?", answers={"tuned": ended(text, Ended.FAILED)}) for text in texts]
    roles = [message["role"] for message in chat(*turns, Turn("last")).messages("tuned")]
    assert roles == ["user", "assistant"] * texts.count("text") + ["user"]


def test_answers_that_failed_or_were_stopped_can_be_retried() -> None:
    answers = {"base": ended("", Ended.FAILED), "tuned": ended("x", Ended.LENGTH)}
    assert chat(Turn("?", answers=answers)).to_retry() == ["base"]
    assert chat(Turn("?", answers={"tuned": Answer(0.0)})).streaming() == ["tuned"]
    assert chat().to_retry() == chat().streaming() == []


def test_a_row_of_a_test_set_becomes_a_question() -> None:
    rows = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hey"},
        {"role": "user", "content": "And?"},
        {"role": "assistant", "content": "No."},
    ]
    values = [{"messages": rows}, {"input": "a", "ideal_output": "b"}]
    first, second = questions(read_case_set(enumerate(values, 1)).cases)
    assert (first.system, first.message, first.expected) == ("Be brief.", "And?", "No.")
    assert [message["content"] for message in first.opening] == ["Hi", "Hey"]
    assert (second.number, second.line, second.system, second.message) == (2, 2, None, "a")


@pytest.mark.parametrize(
    ("answer", "now", "loads", "status"),
    [
        (None, 0.0, False, ""),
        (Answer(0.0), 0.5, True, "▶ sent …"),
        (Answer(0.0), 12.3, True, "▶ loading the model … 12 s"),
        (Answer(0.0), 12.3, False, "▶ waiting … 12 s"),
        (ended("a", tokens=11), 9.0, False, "✓ 11 tokens  11.0 tok/s  first 0.50 s"),
        (ended("a"), 9.0, False, "✓ ~1 token  first 0.50 s"),
        (ended("", Ended.FAILED), 9.0, False, "✗ no answer"),
        (ended("", Ended.STOPPED), 9.0, False, "■ stopped"),
        (ended("a", Ended.CUT), 9.0, False, "✗ broke off, ~1 token  first 0.50 s"),
    ],
)
def test_the_status_of_an_answer_is_one_line(
    answer: Answer | None, now: float, loads: bool, status: str
) -> None:
    assert answer_status(answer, now, loads=loads)[0] == status


def test_the_rate_counts_from_the_first_token() -> None:
    answer = Answer(started_at=0.0)
    for moment in (2.0, 2.5, 3.0):
        answer.add("x", moment)
    status, tone = answer_status(answer, 3.0, loads=False)
    assert status == "▶ ~3 tokens  2.0 tok/s  first 2.00 s"
    assert tone is Tone.BUSY


def test_the_settings_are_one_scrubbed_line() -> None:
    line = settings_line(ChatSettings("You\x1b[2J are\nbrief.", 0.7, 1, None))
    assert line == "temperature 0.7 · max 1 token · no seed · system: You� are brief."
    assert settings_line(ChatSettings()).endswith("seed 7 · no system prompt")


def test_json_is_compared_by_keys_and_prose_by_sentences() -> None:
    diff = differences('{"a": 1, "b": 2}', '{"a": 1, "b": 3}')
    assert [(line.kind, line.text) for line in diff if line.kind != "same"] == [
        ("removed", '  "b": 2'),
        ("added", '  "b": 3'),
    ]
    same = "The first sentence is the same in both answers. " * 4
    diff = differences(same + "It is A.", same + "It is B.")
    assert [line.text for line in diff if line.kind != "same"] == ["It is A.", "It is B."]
    assert differences("Yes.", " Yes.\n") == []


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_equal_answers_have_no_differences_and_others_have_some(first: str, second: str) -> None:
    assert differences(first, f" {first}\n") == []
    assert differences(f"{first}a", f"{second}b")


def test_long_json_is_laid_out_once_it_has_ended() -> None:
    long = json.dumps({"category": "billing", "summary": "The card was charged twice in a week."})
    assert readable(long + " " * 40).startswith('{\n  "category": "billing"')
    assert readable('{"a": 1}') == '{"a": 1}'
    assert readable("prose " * 50) == "prose " * 50


EVENTS = (
    b': hello\r\ndata: {"choices":[{"delta":{"role":"assistant"}}]}\r\n\r\n'
    b'data: {"choices":[{"delta":{"content":"Gr\xc3\xbc"}}]}\n\ndata: {oops\n\n'
    b'data: {"choices":[{"delta":{"content":"\\ud83d\\ude00"},"finish_reason":"length"}]}\n\n'
    b'data: {"choices":[],"usage":{"completion_tokens":3}}\n\ndata: [DONE]\n\n'
)


@settings(deadline=None)
@given(st.sets(st.integers(1, len(EVENTS) - 1), max_size=12))
def test_a_stream_is_parsed_the_same_however_its_bytes_are_split(cuts: set[int]) -> None:
    offsets = [0, *sorted(cuts), len(EVENTS)]
    reader = AnswerReader()
    pieces = [piece for a, b in pairwise(offsets) for piece in reader.feed(EVENTS[a:b])]
    pieces += reader.close()
    assert pieces == [Piece("Grü"), Piece("😀")]
    assert (reader.reason, reader.tokens, reader.finished) == ("length", 3, True)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_parsed_without_an_exception(data: bytes) -> None:
    reader = AnswerReader()
    pieces = [*reader.feed(data), *reader.close()]
    assert all(isinstance(piece, Piece | Failure) for piece in pieces)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"choices":[]}',
        b'{"choices":["x"]}',
        b"[" * 100_000,
        b'{"error": {"message": "No."}}',
    ],
)
def test_a_body_that_is_not_an_answer_is_a_failure(body: bytes) -> None:
    reader = AnswerReader()
    pieces = [*reader.feed(body), *reader.close()]
    assert [type(piece) for piece in pieces] == [Failure]


def test_an_endless_answer_is_not_read_to_its_end() -> None:
    reader = AnswerReader()
    for _ in range(MAX_BYTES // 1_000_000 + 1):
        assert list(reader.feed(b"x" * 1_000_000)) == []
    assert reader.too_large
