"""Turns the progress of generations into the protocol's events, as the client asked for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import BaseModel

from tui.engine.answering.generation import Generation
from tui.engine.answering.prompts import PreparedRequest
from tui.engine.answering.protocol import Choice, Delta, Done, Failed


@dataclass(slots=True)
class _Progress:
    """A request whose answers are being generated."""

    prompt_tokens: int
    choices_left: int
    completion_tokens: int = 0


class Emitter:
    """Sends events of open requests; none of a request once it is closed."""

    def __init__(self, send: Callable[[BaseModel], None]) -> None:
        """Start without open requests.

        Args:
            send: receives the events.
        """
        self._send = send
        self._progress: dict[str, _Progress] = {}

    def open(self, prepared: PreparedRequest) -> None:
        """Start to send events of a request."""
        self._progress[prepared.request.id] = _Progress(
            len(prepared.prompt), len(prepared.generations)
        )

    def is_open(self, generation: Generation) -> bool:
        """Whether a client waits for this generation."""
        return generation.request_id in self._progress

    def close(self, request_id: str) -> None:
        """Send nothing more of a request."""
        self._progress.pop(request_id, None)

    def fail(self, failure: Failed) -> None:
        """End a request with an error."""
        self.close(failure.id)
        self._send(failure)

    def emit(self, generation: Generation) -> None:
        """Send what is new of a generation."""
        if generation.failure is not None:
            self.fail(
                Failed(
                    id=generation.request_id,
                    status=400,
                    code="invalid_schema",
                    message=f"The answer cannot follow the schema: {generation.failure}.",
                    param="response_format",
                )
            )
        elif generation.params.stream:
            self._emit_delta(generation)
        elif generation.finish_reason is not None:
            self._emit_choice(generation)

    def _emit_delta(self, generation: Generation) -> None:
        text, logprobs = generation.detokenizer.release()
        request_id, index = generation.request_id, generation.index
        if text or logprobs:
            named = logprobs if generation.params.top_logprobs is not None else None
            self._send(Delta(id=request_id, index=index, text=text, logprobs=named))
        if generation.finish_reason is not None:
            self._send(Choice(id=request_id, index=index, finish_reason=generation.finish_reason))
            self._count(generation)

    def _emit_choice(self, generation: Generation) -> None:
        assert generation.finish_reason is not None
        text, logprobs = generation.detokenizer.release()
        tool_calls = generation.tool_calls
        self._send(
            Choice(
                id=generation.request_id,
                index=generation.index,
                text=text if tool_calls is None else tool_calls.content,
                logprobs=logprobs if generation.params.top_logprobs is not None else None,
                tool_calls=None if tool_calls is None else tool_calls.calls,
                finish_reason=generation.finish_reason,
            )
        )
        self._count(generation)

    def _count(self, generation: Generation) -> None:
        """Count a complete answer; the last one completes the request."""
        progress = self._progress[generation.request_id]
        progress.choices_left -= 1
        progress.completion_tokens += len(generation.detokenizer.tokens)
        if progress.choices_left == 0:
            self.close(generation.request_id)
            self._send(
                Done(
                    id=generation.request_id,
                    prompt_tokens=progress.prompt_tokens,
                    completion_tokens=progress.completion_tokens,
                )
            )
