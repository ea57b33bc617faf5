"""What is told of the questions whose answers are being made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import BaseModel

from tui.engine.answering.generation import Row
from tui.engine.answering.prompts import Prepared
from tui.engine.answering.protocol import Choice, Delta, Done, Refused


@dataclass(slots=True)
class _Open:
    """A question whose answers are being made."""

    prompt_tokens: int
    answers_left: int
    completion_tokens: int = 0


class Telling:
    """Tells answers as they come; nothing of a question once it is closed."""

    def __init__(self, send: Callable[[BaseModel], None]) -> None:
        """Nothing is open yet.

        Args:
            send: takes what is told.
        """
        self._send = send
        self._open: dict[str, _Open] = {}

    def open(self, prepared: Prepared) -> None:
        """The answers to this question are being made from now on."""
        self._open[prepared.question.id] = _Open(len(prepared.prompt), len(prepared.rows))

    def is_open(self, row: Row) -> bool:
        """Whether anybody waits for an answer."""
        return row.owner in self._open

    def close(self, question: str) -> None:
        """Nobody waits for the answers to this question any more."""
        self._open.pop(question, None)

    def refuse(self, refusal: Refused) -> None:
        """A question cannot be answered, or not to its end."""
        self.close(refusal.id)
        self._send(refusal)

    def tell(self, row: Row) -> None:
        """Tell what is new of an answer."""
        if row.failure is not None:
            self.refuse(
                Refused(
                    id=row.owner,
                    status=400,
                    code="invalid_schema",
                    message=f"The answer could not be held to the schema: {row.failure}.",
                    param="response_format",
                )
            )
        elif row.wishes.streamed:
            self._tell_news(row)
        elif row.finish is not None:
            self._tell_whole(row)

    def _tell_news(self, row: Row) -> None:
        text, logprobs = row.transcript.news()
        if text or logprobs:
            told = logprobs if row.wishes.alternatives is not None else None
            self._send(Delta(id=row.owner, index=row.index, text=text, logprobs=told))
        if row.finish is not None:
            self._send(Choice(id=row.owner, index=row.index, finish_reason=row.finish))
            self._count(row)

    def _tell_whole(self, row: Row) -> None:
        assert row.finish is not None
        text, logprobs = row.transcript.news()
        self._send(
            Choice(
                id=row.owner,
                index=row.index,
                text=text if row.called is None else row.called.content,
                logprobs=logprobs if row.wishes.alternatives is not None else None,
                tool_calls=None if row.called is None else row.called.calls,
                finish_reason=row.finish,
            )
        )
        self._count(row)

    def _count(self, row: Row) -> None:
        """An answer is complete; with the last one so is the question."""
        asked = self._open[row.owner]
        asked.answers_left -= 1
        asked.completion_tokens += len(row.transcript.tokens)
        if asked.answers_left == 0:
            self.close(row.owner)
            self._send(
                Done(
                    id=row.owner,
                    prompt_tokens=asked.prompt_tokens,
                    completion_tokens=asked.completion_tokens,
                )
            )
