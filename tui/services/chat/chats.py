"""Chats: one model's answer as it comes, and the log of what was said."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui.domain.chat.conversation import Answer, ChatSettings, Ended, Ending
from tui.domain.chat.stream import LARGEST, AnswerReader, Failure, Piece
from tui.domain.text import number
from tui.services.errors import FtuiError, NotFound
from tui.services.providers.providers import Providers
from tui.services.workspace.files import append_json
from tui.services.workspace.ids import time_id
from tui.services.workspace.workspace import Workspace

if TYPE_CHECKING:
    import openai

_MAY_NOT_STREAM = (400, 404, 405, 422, 501)
"""Statuses by which servers refuse to stream, if their message speaks of it."""


class Chats:
    """Asks models and keeps their answers in the workspace."""

    def __init__(
        self,
        workspace: Workspace,
        providers: Providers,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        """Ask nothing yet.

        Args:
            workspace: where chats are kept.
            providers: where the models answer.
            clock: the time of day, with its zone.
            timer: seconds, to measure how long an answer takes.
        """
        self._workspace = workspace
        self._providers = providers
        self._clock = clock
        self._timer = timer

    def seconds(self) -> float:
        """The timer by which answers are measured."""
        return self._timer()

    async def answer(
        self, provider: str, model: str, messages: list[dict[str, Any]], settings: ChatSettings
    ) -> AsyncGenerator[str | Ending, None]:
        """Yield the pieces of an answer as they come, and how it ended at last.

        A failure is an ending too. Closing the iterator ends the request at the server.
        """
        import httpx2
        import openai

        reader = AnswerReader()
        begun = False
        try:
            async with aclosing(
                self._told(reader, provider, model, messages, settings)
            ) as tellings:
                async for told in tellings:
                    if isinstance(told, Failure):
                        error = self._said(provider, told)
                        yield Ending(Ended.CUT if begun else Ended.FAILED, reader.tokens, error)
                        return
                    begun = True
                    yield told.text
        except (openai.OpenAIError, FtuiError, httpx2.HTTPError) as error:
            said = self._explained(provider, error)
            yield Ending(Ended.CUT if begun else Ended.FAILED, reader.tokens, said)
            return
        yield _ending(reader, begun=begun)

    async def _told(
        self,
        reader: AnswerReader,
        provider: str,
        model: str,
        messages: list[dict[str, Any]],
        settings: ChatSettings,
    ) -> AsyncGenerator[Piece | Failure, None]:
        """What the server tells; asked for the whole answer at once where it cannot stream."""
        import openai

        client = (await self._providers.client(provider)).with_options(max_retries=0)
        asked = _request(model, messages, settings)
        streaming = {"stream": True, "stream_options": {"include_usage": True}}
        try:
            async with aclosing(_read(client, reader, asked | streaming)) as tellings:
                async for told in tellings:
                    yield told
        except openai.APIStatusError as error:
            refused = error.status_code in _MAY_NOT_STREAM and "stream" in str(error.body).lower()
            if not refused:
                raise
            async with aclosing(_read(client, reader, asked)) as tellings:
                async for told in tellings:
                    yield told

    def _explained(self, provider: str, error: Exception) -> str:
        """A failure as its sentence; of a model that must be deployed first, that too."""
        import httpx2

        if isinstance(error, httpx2.HTTPError):
            title = self._providers.server(provider).title
            return f"{title} broke the connection off in the middle of the answer."
        told = self._providers.explain(error)
        if isinstance(told, NotFound):
            return f"{told} {self._providers.server(provider).before_use}".strip()
        return str(told)

    def _said(self, provider: str, failure: Failure) -> str:
        title = self._providers.server(provider).title
        said = self._providers.redact(failure.message).rstrip(".")
        return f"{title} gave no whole answer: {said}."

    def new_log(self) -> Path:
        """Where the next chat is kept; nothing is written yet."""
        return self._workspace.chats / f"{time_id(self._clock())}.jsonl"

    async def keep(
        self,
        log: Path,
        provider: str,
        model: str,
        messages: list[dict[str, Any]],
        settings: ChatSettings,
        answer: Answer,
    ) -> None:
        """Add an answer that has ended to a log, with all that was asked.

        Raises:
            FileError: the log cannot be written.
        """
        ending = answer.ending or Ending(Ended.STOPPED)
        record = {
            "at": self._clock().timestamp(),
            "provider": provider,
            "model": model,
            "messages": messages,
            "settings": asdict(settings),
            "answer": answer.text,
            "ended": ending.ended,
            "error": ending.error or None,
            "tokens": ending.tokens,
            "first_token_seconds": None
            if answer.first_at is None
            else answer.waited(answer.first_at),
            "seconds": None if answer.ended_at is None else answer.ended_at - answer.began,
        }
        await append_json(log, [record])


def _request(model: str, messages: list[dict[str, Any]], settings: ChatSettings) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "model": model,
        "messages": messages,
        "temperature": settings.temperature,
        "max_tokens": settings.max_tokens,
    }
    return asked if settings.seed is None else asked | {"seed": settings.seed}


async def _read(
    client: openai.AsyncOpenAI, reader: AnswerReader, asked: dict[str, Any]
) -> AsyncGenerator[Piece | Failure, None]:
    """What an answer of HTTP tells, as it comes."""
    completions = client.chat.completions.with_streaming_response
    async with completions.create(**asked) as response:
        async for data in response.iter_bytes():
            for told in reader.feed(data):
                yield told
            if reader.too_large or reader.finished:
                break
        for told in reader.close():
            yield told


def _ending(reader: AnswerReader, *, begun: bool) -> Ending:
    """How an answer ended whose bytes came to an end without a failure."""
    if reader.too_large:
        return Ending(Ended.CUT, reader.tokens, f"More than {number(LARGEST)} bytes came.")
    if reader.reason == "length":
        return Ending(Ended.LENGTH, reader.tokens)
    if reader.reason or reader.finished:
        return Ending(Ended.COMPLETE, reader.tokens)
    error = "The server ended the stream before the answer's end."
    return Ending(Ended.CUT if begun else Ended.FAILED, reader.tokens, error)
