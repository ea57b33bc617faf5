"""A chat with a tuned model and its base: messages, answers, and their state."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tui.domain.evaluation.cases import Case, str_of
from tui.domain.rows.diff import DiffLine, pretty_row, row_diff

_LONG_LINE = 160
_SENTENCE_END = re.compile(r"(?<=[.!?;]) +")


class Ended(StrEnum):
    """How an answer ended."""

    COMPLETE = "complete"
    """By the model."""
    LENGTH = "length"
    """By the token limit."""
    STOPPED = "stopped"
    """By the user."""
    CUT = "cut"
    """The server broke off; the text so far is kept."""
    FAILED = "failed"
    """Without any text."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of an answer.

    Attributes:
        tokens: of the answer; None where the server does not count them.
        error: why it failed or broke off, as a sentence.
    """

    ended: Ended
    tokens: int | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """The settings of a request.

    Attributes:
        system: the system prompt; empty for none.
        temperature: 0 takes the most likely token each time.
        max_tokens: of one answer.
        seed: makes sampling repeatable; None leaves it to the server.
    """

    system: str = ""
    temperature: float = 0.0
    max_tokens: int = 256
    seed: int | None = 7


@dataclass(slots=True)
class Answer:
    """An answer, streaming or ended; times are seconds of a monotonic timer.

    Attributes:
        started_at: when it was requested.
        pieces: how many pieces the text came in.
        first_at: when the first piece came.
        ended_at: when it ended.
        ending: how it ended; None while it streams.
    """

    started_at: float
    text: str = ""
    pieces: int = 0
    first_at: float | None = None
    ended_at: float | None = None
    ending: Ending | None = None

    def add(self, piece: str, now: float) -> None:
        """Add a piece."""
        if self.first_at is None:
            self.first_at = now
        self.text += piece
        self.pieces += 1

    def end(self, ending: Ending, now: float) -> None:
        """Note the end; nothing may be added afterwards."""
        self.ending, self.ended_at = ending, now

    @property
    def succeeded(self) -> bool:
        """Whether the model ended it, or the token limit."""
        return bool(self.ending and self.ending.ended in (Ended.COMPLETE, Ended.LENGTH))

    @property
    def tokens(self) -> int:
        """Tokens of the answer; counted by pieces where the server does not count them."""
        counted = self.ending.tokens if self.ending else None
        return self.pieces if counted is None else counted

    def waited(self, now: float) -> float:
        """Seconds until the first piece, or until now where none has come."""
        return (now if self.first_at is None else self.first_at) - self.started_at

    def rate(self, now: float) -> float | None:
        """Tokens per second since the first one; None below two tokens."""
        if self.first_at is None or self.tokens < 2:
            return None
        end = now if self.ended_at is None else self.ended_at
        if self.pieces == 1:  # not streamed
            return self.tokens / max(end - self.started_at, 1e-6)
        return (self.tokens - 1) / max(end - self.first_at, 1e-6)


@dataclass(slots=True)
class Turn:
    """A message of the user, and the answers by side."""

    message: str
    answers: dict[str, Answer] = field(default_factory=dict)


@dataclass(slots=True)
class Chat:
    """A conversation with one or two models, each with its own answers as history.

    Attributes:
        models: side ("base", "tuned") -> name of the model.
        opening: messages before the first turn, such as those of a row of a test set.
    """

    models: Mapping[str, str]
    settings: ChatSettings = ChatSettings()
    opening: Sequence[dict[str, Any]] = ()
    turns: list[Turn] = field(default_factory=list)

    def messages(self, side: str) -> list[dict[str, Any]]:
        """The messages to send to a side for the last turn.

        Turns without an answer are left out, as many templates refuse two user messages in a row.
        """
        messages: list[dict[str, Any]] = []
        if self.settings.system:
            messages.append({"role": "system", "content": self.settings.system})
        messages += self.opening
        for turn in self.turns[:-1]:
            answer = turn.answers.get(side)
            if answer and answer.text:
                messages.append({"role": "user", "content": turn.message})
                messages.append({"role": "assistant", "content": answer.text})
        return [*messages, {"role": "user", "content": self.turns[-1].message}]

    def streaming(self) -> list[str]:
        """The sides whose last answer has not ended."""
        return [side for side, answer in self._last().items() if answer.ending is None]

    def to_retry(self) -> list[str]:
        """The sides whose last answer failed, broke off or was stopped."""
        return [
            side for side, answer in self._last().items() if answer.ending and not answer.succeeded
        ]

    def differences(self) -> list[DiffLine] | None:
        """A diff of the last answers, from base to tuned; None before both have ended."""
        answers = self._last()
        if len(answers) < 2 or not all(
            answer.ending and answer.text for answer in answers.values()
        ):
            return None
        return differences(answers["base"].text, answers["tuned"].text)

    def _last(self) -> dict[str, Answer]:
        return self.turns[-1].answers if self.turns else {}


@dataclass(frozen=True, slots=True)
class Question:
    """A row of a test set, as a message of a chat.

    Attributes:
        number: among the questions, from 1.
        line: in the file, from 1.
        system: its system prompt; None where it has none.
        opening: the messages before.
        message: the message of the user.
    """

    number: int
    line: int
    system: str | None
    opening: tuple[dict[str, Any], ...]
    message: str
    expected: str


def questions(cases: Sequence[Case]) -> list[Question]:
    """The rows of a test set that end with a user message with text."""
    usable = [
        case for case in cases if case.messages[-1].get("role") == "user" and case.prompt.strip()
    ]
    return [_question(number, case) for number, case in enumerate(usable, 1)]


def _question(number: int, case: Case) -> Question:
    opening = case.messages[:-1]
    system = None
    if opening and opening[0].get("role") in ("system", "developer"):
        system, opening = str_of(opening[0]), opening[1:]
    return Question(number, case.line, system, tuple(opening), case.prompt, case.expected)


def readable(text: str) -> str:
    """An answer for display once it has ended: long JSON gets a line for each member."""
    if len(text) < _LONG_LINE // 2 or "\n" in text.strip() or pretty_row(text.encode()) is None:
        return text
    value = json.loads(text)
    if isinstance(value, dict):
        members = [f"{_json(name)}: {_json(member)}" for name, member in value.items()]
        return _on_lines("{", members, "}")
    return _on_lines("[", [_json(item) for item in value], "]")


def _on_lines(begin: str, parts: Sequence[str], end: str) -> str:
    inner = ",\n".join(f"  {part}" for part in parts)
    return f"{begin}\n{inner}\n{end}"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def differences(base: str, tuned: str) -> list[DiffLine]:
    """A diff of two answers; empty where they are identical.

    JSON is compared indented, prose by sentences.
    """
    answers = [text.strip().encode() for text in (base, tuned)]
    if not all(pretty_row(answer) for answer in answers):
        answers = [_by_sentences(text).encode() for text in (base, tuned)]
    return row_diff(*answers)


def _by_sentences(text: str) -> str:
    lines = text.strip().split("\n")
    return "\n".join(
        _SENTENCE_END.sub("\n", line) if len(line) > _LONG_LINE else line for line in lines
    )
