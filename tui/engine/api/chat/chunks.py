"""A streamed answer as OpenAI's server-sent events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openai.types.chat import ChatCompletionChunk, ChatCompletionTokenLogprob

from tui.engine.answering.protocol import Choice, Delta, Done, Question, Told
from tui.engine.jobs.records import now


class Chunks:
    """The events of one answer."""

    def __init__(
        self, question: Question, *, model: str, fingerprint: str, with_usage: bool
    ) -> None:
        """Nothing is told yet.

        Args:
            question: what is answered.
            model: its name, as it was asked for.
            fingerprint: of the system.
            with_usage: whether the last event counts the tokens, and the others say null.
        """
        self._n = question.n
        self._with_usage = with_usage
        self._common: dict[str, Any] = {
            "id": question.id,
            "object": "chat.completion.chunk",
            "created": now(),
            "model": model,
            "system_fingerprint": fingerprint,
        } | ({"usage": None} if with_usage else {})

    def beginning(self) -> list[bytes]:
        """The events that open every choice."""
        opening = {"role": "assistant", "content": "", "refusal": None}
        return [self._choice(index, opening) for index in range(self._n)]

    def of(self, told: Told) -> list[bytes]:
        """The events that tell the same."""
        match told:
            case Delta():
                return [self._choice(told.index, {"content": told.text}, logprobs=told.logprobs)]
            case Choice():
                return self._end(told)
            case Done() if self._with_usage:
                return [self._event(choices=[], usage=told.usage())]
        return []

    def _end(self, told: Choice) -> list[bytes]:
        """The last events of a choice, with all of it where it did not come as deltas."""
        events = []
        if told.text or told.logprobs:
            delta = {"content": told.text}
            events.append(self._choice(told.index, delta, logprobs=told.logprobs))
        if told.tool_calls:
            calls = [
                {"index": index} | call.model_dump() for index, call in enumerate(told.tool_calls)
            ]
            events.append(self._choice(told.index, {"tool_calls": calls}))
        return [*events, self._choice(told.index, {}, reason=told.finish_reason)]

    def _choice(
        self,
        index: int,
        delta: Mapping[str, object],
        *,
        reason: str | None = None,
        logprobs: list[ChatCompletionTokenLogprob] | None = None,
    ) -> bytes:
        told = None if logprobs is None else {"content": logprobs, "refusal": None}
        choice = {"index": index, "delta": delta, "finish_reason": reason, "logprobs": told}
        return self._event(choices=[choice])

    def _event(self, **fields: Any) -> bytes:
        chunk = ChatCompletionChunk.model_validate(self._common | fields)
        return b"data: " + chunk.model_dump_json(exclude_unset=True).encode() + b"\n\n"
