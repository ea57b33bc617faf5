"""A streamed completion as OpenAI's server-sent events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openai.types.chat import ChatCompletionChunk, ChatCompletionTokenLogprob

from tui.engine.answering.protocol import Choice, Delta, Done, Event, GenerationRequest
from tui.engine.jobs.records import now


class Chunks:
    """Encodes the events of one request as lines of chunks."""

    def __init__(
        self, request: GenerationRequest, *, model: str, fingerprint: str, with_usage: bool
    ) -> None:
        """Set what all chunks have in common.

        Args:
            request: the request.
            model: its model, by the name that the client used.
            fingerprint: of the system.
            with_usage: whether the last chunk counts the tokens, and the others have null.
        """
        self._n = request.n
        self._with_usage = with_usage
        self._common: dict[str, Any] = {
            "id": request.id,
            "object": "chat.completion.chunk",
            "created": now(),
            "model": model,
            "system_fingerprint": fingerprint,
        } | ({"usage": None} if with_usage else {})

    def opening(self) -> list[bytes]:
        """Return the chunks that open every choice."""
        delta = {"role": "assistant", "content": "", "refusal": None}
        return [self._choice(index, delta) for index in range(self._n)]

    def encode(self, event: Event) -> list[bytes]:
        """Return an event as chunks."""
        match event:
            case Delta():
                delta = {"content": event.text}
                return [self._choice(event.index, delta, logprobs=event.logprobs)]
            case Choice():
                return self._end(event)
            case Done() if self._with_usage:
                return [self._chunk(choices=[], usage=event.usage())]
        return []

    def _end(self, choice: Choice) -> list[bytes]:
        """The last chunks of a choice, with all of its text where it was not sent as deltas."""
        chunks = []
        if choice.text or choice.logprobs:
            delta = {"content": choice.text}
            chunks.append(self._choice(choice.index, delta, logprobs=choice.logprobs))
        if choice.tool_calls:
            calls = [
                {"index": index} | call.model_dump() for index, call in enumerate(choice.tool_calls)
            ]
            chunks.append(self._choice(choice.index, {"tool_calls": calls}))
        return [*chunks, self._choice(choice.index, {}, finish_reason=choice.finish_reason)]

    def _choice(
        self,
        index: int,
        delta: Mapping[str, object],
        *,
        finish_reason: str | None = None,
        logprobs: list[ChatCompletionTokenLogprob] | None = None,
    ) -> bytes:
        content = None if logprobs is None else {"content": logprobs, "refusal": None}
        choice = {
            "index": index,
            "delta": delta,
            "finish_reason": finish_reason,
            "logprobs": content,
        }
        return self._chunk(choices=[choice])

    def _chunk(self, **fields: Any) -> bytes:
        chunk = ChatCompletionChunk.model_validate(self._common | fields)
        return b"data: " + chunk.model_dump_json(exclude_unset=True).encode() + b"\n\n"
