"""Messages from the workers of the chat screen to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from textual.message import Message

from tui.domain.chat.conversation import Answer, Ending, Question
from tui.services.chat.defaults import ChatStart
from tui.services.errors import FtuiError


@dataclass
class ChatStartLoaded(Message):
    """What is known before the first message."""

    start: ChatStart


@dataclass
class AnswerPiece(Message):
    """A piece of an answer, or its end."""

    side: str
    answer: Answer
    piece: str | Ending


@dataclass
class QuestionsLoaded(Message):
    """The rows of a test set that can be asked."""

    path: Path
    questions: Sequence[Question]


@dataclass
class ChatFailed(Message):
    """Something other than an answer has failed."""

    error: FtuiError
