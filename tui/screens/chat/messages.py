"""What the workers of a chat tell it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from textual.message import Message

from tui.domain.chat.conversation import Answer, Ending, Question
from tui.services.chat.defaults import ChatStart
from tui.services.errors import FtuiError


@dataclass
class ChatStartFound(Message):
    """What is known before the first question."""

    start: ChatStart


@dataclass
class AnswerCame(Message):
    """A piece of an answer, or how it ended."""

    side: str
    answer: Answer
    piece: str | Ending


@dataclass
class QuestionsRead(Message):
    """The rows of a test set that can be asked."""

    path: Path
    questions: Sequence[Question]


@dataclass
class ChatTrouble(Message):
    """Something beside the answers could not be done."""

    error: FtuiError
