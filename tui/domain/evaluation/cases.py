"""Test sets: rows of a file -> cases, each a prompt and the expected answer."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from tui.domain.conversion.convert import to_chat
from tui.domain.rows.formats import Format, Row, detect_format, text_of
from tui.domain.rows.parsing import BOM, parse
from tui.domain.text import preview

_SENT = ("role", "content", "name", "tool_calls", "tool_call_id", "function_call")


class Case(BaseModel):
    """One test case.

    Attributes:
        line: its line in the file, from 1.
        messages: the conversation before the answer, as sent.
        expected: the expected answer.
    """

    model_config = ConfigDict(frozen=True)

    line: int
    messages: list[dict[str, Any]]
    expected: str

    @property
    def prompt(self) -> str:
        """The text of the last user message."""
        questions = [message for message in self.messages if message.get("role") == "user"]
        return str_of(questions[-1] if questions else self.messages[-1])


def str_of(message: dict[str, Any]) -> str:
    """The text of one message."""
    return text_of(message)  # type: ignore[arg-type] # a message of any row, not validated


def parse_test_set(data: bytes) -> list[Case]:
    """Parse a test set: chat examples, or rows of a convertible format.

    The last assistant message is the expected answer, the messages before it are the prompt.

    Raises:
        ValueError: a row is unusable (the message names its line), or there is none.
    """
    cases = []
    for number, raw in enumerate(data.removeprefix(BOM).split(b"\n"), start=1):
        if raw.strip():
            try:
                cases.append(_case(number, raw))
            except ValueError as error:
                raise ValueError(f"line {number}: {error}") from error
    if not cases:
        raise ValueError("it has no cases")
    return cases


def _case(line: int, raw: bytes) -> Case:
    row, findings = parse(raw)
    if not isinstance(row, dict) or any(code != "duplicate-key" for code, _, _ in findings):
        reason = findings[0][2] if findings else "it is not an object"
        raise ValueError(preview(reason, 120) or "it cannot be read")
    messages = _messages(row)
    answers = [i for i, item in enumerate(messages) if item.get("role") == "assistant"]
    if not answers:
        raise ValueError("there is no assistant message, so there is no expected answer")
    last = answers[-1]
    if last == 0:
        raise ValueError("there is no message before the assistant's answer")
    expected = messages[last].get("content")
    text = str_of({"content": expected}) if isinstance(expected, str | list) else ""
    if not text.strip():
        raise ValueError("the last assistant message has no text to compare with")
    sent = [{key: message[key] for key in _SENT if key in message} for message in messages[:last]]
    return Case(line=line, messages=sent, expected=text)


def _messages(row: Row) -> list[dict[str, Any]]:
    kind = detect_format(row)
    if kind.target is Format.PREFERENCE:
        raise ValueError("it has a preferred and a rejected answer, not one expected answer")
    chat: Row | None = row
    if kind.convertible:
        chat, problems = to_chat(row, kind)
        if chat is None:
            raise ValueError(problems[0][2])
    elif kind is not Format.CHAT:
        raise ValueError("it has neither `messages` nor `input` and `ideal_output`")
    messages = chat["messages"] if chat else []
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise ValueError("`messages` is not a list of messages")
    return messages
