"""Chats: the streamed answer of a model, and the log of the conversation."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui.domain.chat.conversation import Answer, ChatSettings, Ended, Ending
from tui.domain.chat.stream import MAX_BYTES, AnswerReader, Failure, Piece
from tui.domain.text import number
from tui.services.errors import FtuiError, NotFound
from tui.services.providers.providers import Providers
from tui.services.workspace.files import append_json
from tui.services.workspace.ids import time_id
from tui.services.workspace.workspace import Workspace

if TYPE_CHECKING:
    import openai

_STREAM_REFUSALS = (400, 404, 405, 422, 501)
"""Statuses by which servers refuse to stream, if their message mentions it."""


class Chats:
    """Requests answers of models and saves them in the workspace."""

    def __init__(
        self,
        workspace: Workspace,
        providers: Providers,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        """Create the service.

        Args:
            workspace: where chats are saved.
            providers: where the models answer.
            clock: the current time, with its zone.
            timer: monotonic seconds, to measure answers.
        """
        self._workspace = workspace
        self._providers = providers
        self._clock = clock
        self._timer = timer

    def seconds(self) -> float:
        """Seconds of the timer that measures answers."""
        return self._timer()

    async def answer(
        self, provider: str, model: str, messages: list[dict[str, Any]], settings: ChatSettings
    ) -> AsyncGenerator[str | Ending, None]:
        """Yield the pieces of an answer as they come, and finally its ending.

        A failure is an ending too. Closing the iterator cancels the request at the server.
        """
        import httpx2
        import openai

        reader = AnswerReader()
        has_text = False
        try:
            async with aclosing(
                self._stream(reader, provider, model, messages, settings)
            ) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Failure):
                        error = self._failure_sentence(provider, piece)
                        yield Ending(Ended.CUT if has_text else Ended.FAILED, reader.tokens, error)
                        return
                    has_text = True
                    yield piece.text
        except (openai.OpenAIError, FtuiError, httpx2.HTTPError) as error:
            sentence = self._error_sentence(provider, error)
            yield Ending(Ended.CUT if has_text else Ended.FAILED, reader.tokens, sentence)
            return
        yield _ending(reader, has_text=has_text)

    async def _stream(
        self,
        reader: AnswerReader,
        provider: str,
        model: str,
        messages: list[dict[str, Any]],
        settings: ChatSettings,
    ) -> AsyncGenerator[Piece | Failure, None]:
        """The pieces of an answer; requested as a whole where the server cannot stream."""
        import openai

        client = (await self._providers.client(provider)).with_options(max_retries=0)
        request = _request_body(model, messages, settings)
        streaming = {"stream": True, "stream_options": {"include_usage": True}}
        try:
            async with aclosing(_read(client, reader, request | streaming)) as pieces:
                async for piece in pieces:
                    yield piece
        except openai.APIStatusError as error:
            refuses = error.status_code in _STREAM_REFUSALS and "stream" in str(error.body).lower()
            if not refuses:
                raise
            async with aclosing(_read(client, reader, request)) as pieces:
                async for piece in pieces:
                    yield piece

    def _error_sentence(self, provider: str, error: Exception) -> str:
        """An error as a sentence, with a hint where the model may have to be deployed first."""
        import httpx2

        if isinstance(error, httpx2.HTTPError):
            title = self._providers.server(provider).title
            return f"{title} closed the connection in the middle of the answer."
        explained = self._providers.explain(error)
        if isinstance(explained, NotFound):
            return f"{explained} {self._providers.server(provider).before_use}".strip()
        return str(explained)

    def _failure_sentence(self, provider: str, failure: Failure) -> str:
        title = self._providers.server(provider).title
        reason = self._providers.redact(failure.message).rstrip(".")
        return f"{title} did not complete the answer: {reason}."

    def new_log(self) -> Path:
        """The path of the log of a new chat; nothing is written yet."""
        return self._workspace.chats / f"{time_id(self._clock())}.jsonl"

    async def save(
        self,
        log: Path,
        provider: str,
        model: str,
        messages: list[dict[str, Any]],
        settings: ChatSettings,
        answer: Answer,
    ) -> None:
        """Append an ended answer to a log, with its request.

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
            "seconds": None if answer.ended_at is None else answer.ended_at - answer.started_at,
        }
        await append_json(log, [record])


def _request_body(
    model: str, messages: list[dict[str, Any]], settings: ChatSettings
) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": model,
        "messages": messages,
        "temperature": settings.temperature,
        "max_tokens": settings.max_tokens,
    }
    return body if settings.seed is None else body | {"seed": settings.seed}


async def _read(
    client: openai.AsyncOpenAI, reader: AnswerReader, body: dict[str, Any]
) -> AsyncGenerator[Piece | Failure, None]:
    """The pieces of a response, as they come."""
    completions = client.chat.completions.with_streaming_response
    async with completions.create(**body) as response:
        async for data in response.iter_bytes():
            for piece in reader.feed(data):
                yield piece
            if reader.too_large or reader.finished:
                break
        for piece in reader.close():
            yield piece


def _ending(reader: AnswerReader, *, has_text: bool) -> Ending:
    """The ending of an answer whose response ended without an error."""
    if reader.too_large:
        return Ending(
            Ended.CUT, reader.tokens, f"The answer is larger than {number(MAX_BYTES)} bytes."
        )
    if reader.reason == "length":
        return Ending(Ended.LENGTH, reader.tokens)
    if reader.reason or reader.finished:
        return Ending(Ended.COMPLETE, reader.tokens)
    error = "The server closed the stream before the end of the answer."
    return Ending(Ended.CUT if has_text else Ended.FAILED, reader.tokens, error)
