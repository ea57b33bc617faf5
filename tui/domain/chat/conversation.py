"""A chat with a tuned model, and with its base beside it: what was asked, how the answers stand."""

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
    """How an answer came to its end."""

    COMPLETE = "complete"
    """The model ended it."""
    LENGTH = "length"
    """The limit of tokens ended it."""
    STOPPED = "stopped"
    """The person ended it."""
    CUT = "cut"
    """The server broke off; what had come is kept."""
    FAILED = "failed"
    """Nothing came."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What is known of an answer at its end.

    Attributes:
        tokens: tokens of the answer; None where the server does not count them.
        error: why it failed or broke off, as a sentence.
    """

    ended: Ended
    tokens: int | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """How the models are asked.

    Attributes:
        system: the system prompt; empty for none.
        temperature: 0 takes the likeliest token each time.
        max_tokens: of one answer.
        seed: what chance begins with, so that it can be repeated; None leaves it to the server.
    """

    system: str = ""
    temperature: float = 0.0
    max_tokens: int = 256
    seed: int | None = 7


@dataclass(slots=True)
class Answer:
    """One answer, while it comes and afterwards; times are seconds of one timer.

    Attributes:
        began: when it was asked for.
        pieces: in how many pieces the text came.
        first_at: when the first piece came.
        ended_at: when it ended.
        ending: how it ended; None while it comes.
    """

    began: float
    text: str = ""
    pieces: int = 0
    first_at: float | None = None
    ended_at: float | None = None
    ending: Ending | None = None

    def add(self, piece: str, now: float) -> None:
        """Take in what came."""
        if self.first_at is None:
            self.first_at = now
        self.text += piece
        self.pieces += 1

    def end(self, ending: Ending, now: float) -> None:
        """Take in that it ended; nothing is added afterwards."""
        self.ending, self.ended_at = ending, now

    @property
    def good(self) -> bool:
        """Whether the model came to its own end, or to the limit that was set."""
        return bool(self.ending and self.ending.ended in (Ended.COMPLETE, Ended.LENGTH))

    @property
    def tokens(self) -> int:
        """Tokens of the answer; the pieces of the stream where the server does not count."""
        counted = self.ending.tokens if self.ending else None
        return self.pieces if counted is None else counted

    def waited(self, now: float) -> float:
        """Seconds until the first piece; until now where none came."""
        return (now if self.first_at is None else self.first_at) - self.began

    def rate(self, now: float) -> float | None:
        """Tokens a second since the first one; None while that says nothing."""
        if self.first_at is None or self.tokens < 2:
            return None
        end = now if self.ended_at is None else self.ended_at
        if self.pieces == 1:  # it came whole
            return self.tokens / max(end - self.began, 1e-6)
        return (self.tokens - 1) / max(end - self.first_at, 1e-6)


@dataclass(slots=True)
class Turn:
    """What was asked once, and the answers by side."""

    asked: str
    answers: dict[str, Answer] = field(default_factory=dict)


@dataclass(slots=True)
class Chat:
    """A conversation with one or two models, each with a history of its own answers.

    Attributes:
        models: side ("base", "tuned") -> name of the model.
        opening: messages that stand before the first turn, as a row of a test set may bring them.
    """

    models: Mapping[str, str]
    settings: ChatSettings = ChatSettings()
    opening: Sequence[dict[str, Any]] = ()
    turns: list[Turn] = field(default_factory=list)

    def messages(self, side: str) -> list[dict[str, Any]]:
        """What is sent to a side for the last turn.

        Turns that the side left without a text are left out: two messages of the user in a row
        are refused by many templates.
        """
        sent: list[dict[str, Any]] = []
        if self.settings.system:
            sent.append({"role": "system", "content": self.settings.system})
        sent += self.opening
        for turn in self.turns[:-1]:
            answer = turn.answers.get(side)
            if answer and answer.text:
                sent.append({"role": "user", "content": turn.asked})
                sent.append({"role": "assistant", "content": answer.text})
        return [*sent, {"role": "user", "content": self.turns[-1].asked}]

    def going(self) -> list[str]:
        """The sides whose last answer has not ended."""
        return [side for side, answer in self._last().items() if answer.ending is None]

    def to_retry(self) -> list[str]:
        """The sides whose last answer failed, broke off or was stopped."""
        return [side for side, one in self._last().items() if one.ending and not one.good]

    def differences(self) -> list[DiffLine] | None:
        """What the tuned model's last answer has in place of the base's; None before both ended."""
        answers = self._last()
        if len(answers) < 2 or not all(one.ending and one.text for one in answers.values()):
            return None
        return differences(answers["base"].text, answers["tuned"].text)

    def _last(self) -> dict[str, Answer]:
        return self.turns[-1].answers if self.turns else {}


@dataclass(frozen=True, slots=True)
class Question:
    """A row of a test set as it is put into a chat.

    Attributes:
        number: among the questions, from 1.
        line: in the file, from 1.
        system: its system prompt; None where it has none.
        opening: what was said before.
    """

    number: int
    line: int
    system: str | None
    opening: tuple[dict[str, Any], ...]
    asked: str
    expected: str


def questions(cases: Sequence[Case]) -> list[Question]:
    """The rows of a test set that end with a text of the user; others cannot be typed."""
    fit = [one for one in cases if one.messages[-1].get("role") == "user" and one.prompt.strip()]
    return [_question(number, case) for number, case in enumerate(fit, 1)]


def _question(number: int, case: Case) -> Question:
    before = case.messages[:-1]
    system = None
    if before and before[0].get("role") in ("system", "developer"):
        system, before = str_of(before[0]), before[1:]
    return Question(number, case.line, system, tuple(before), case.prompt, case.expected)


def readable(text: str) -> str:
    """An answer as it is shown once it has ended: long JSON with a line for each of its parts."""
    if len(text) < _LONG_LINE // 2 or "\n" in text.strip() or pretty_row(text.encode()) is None:
        return text
    value = json.loads(text)
    if isinstance(value, dict):
        parts = [f"{_json(name)}: {_json(part)}" for name, part in value.items()]
        return _on_lines("{", parts, "}")
    return _on_lines("[", [_json(part) for part in value], "]")


def _on_lines(begin: str, parts: Sequence[str], end: str) -> str:
    inner = ",\n".join(f"  {part}" for part in parts)
    return f"{begin}\n{inner}\n{end}"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def differences(base: str, tuned: str) -> list[DiffLine]:
    """What one answer has in place of another; nothing where they are the same.

    JSON is compared indented, prose by its sentences.
    """
    both = [text.strip().encode() for text in (base, tuned)]
    if not all(pretty_row(text) for text in both):
        both = [_by_sentences(text).encode() for text in (base, tuned)]
    return row_diff(*both)


def _by_sentences(text: str) -> str:
    lines = text.strip().split("\n")
    return "\n".join(
        _SENTENCE_END.sub("\n", line) if len(line) > _LONG_LINE else line for line in lines
    )
