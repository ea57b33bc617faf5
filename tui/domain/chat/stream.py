"""Parsing of chat completions, streamed or whole, piece by piece; never raises."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MAX_BYTES = 8_000_000
"""Bytes of one answer that are read."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The next text of an answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Failure:
    """An error of the server, or a response that is not understood."""

    message: str


class AnswerReader:
    """Parses server-sent events of chat chunks, or one chat completion.

    Other lines are skipped. The result does not depend on how the bytes are split.

    Attributes:
        reason: the finish reason of the server; None until it is known.
        tokens: of the answer, where the server counts them.
        finished: whether the server has sent the end of the stream.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
        self.tokens: int | None = None
        self.finished = False
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._line = ""
        self._other: list[str] = []
        self._streamed = False
        self._size = 0

    @property
    def too_large(self) -> bool:
        """Whether the answer exceeds `MAX_BYTES`."""
        return self._size > MAX_BYTES

    def feed(self, data: bytes) -> Iterator[Piece | Failure]:
        """Parse the next bytes."""
        self._size += len(data)
        if self.too_large:
            return
        *lines, self._line = (self._line + self._decoder.decode(data)).split("\n")
        for line in lines:
            yield from self._read(line)

    def close(self) -> Iterator[Piece | Failure]:
        """Parse what is left at the end of the bytes."""
        yield from self._read(self._line + self._decoder.decode(b"", final=True))
        self._line = ""
        if not self._streamed:
            yield from self._whole("\n".join(self._other))

    def _read(self, line: str) -> Iterator[Piece | Failure]:
        field, colon, value = line.rstrip("\r").partition(":")
        if field == "data" and colon:
            yield from self._event(value.strip())
        elif not self._streamed:
            self._other.append(line)

    def _event(self, value: str) -> Iterator[Piece | Failure]:
        if value == "[DONE]":
            self._streamed = self.finished = True
            return
        chunk = _object(value)
        if chunk is None:
            return
        self._streamed = True
        yield from self._parse(chunk, "delta")

    def _whole(self, body: str) -> Iterator[Piece | Failure]:
        completion = _object(body)
        if completion is None or not (completion.get("error") or _choice(completion)):
            yield Failure("not a chat completion")
            return
        yield from self._parse(completion, "message")
        self.finished = True

    def _parse(self, body: dict[str, Any], field: str) -> Iterator[Piece | Failure]:
        if error := body.get("error"):
            yield Failure(_error_message(error))
        choice = _choice(body)
        message = choice.get(field)
        text = message.get("content") if isinstance(message, dict) else None
        if isinstance(text, str) and text:
            # A lone surrogate of a JSON escape could be neither saved nor sent back.
            yield Piece(text.encode("utf-8", "replace").decode())
        if isinstance(reason := choice.get("finish_reason"), str):
            self.reason = reason
        usage = body.get("usage")
        count = usage.get("completion_tokens") if isinstance(usage, dict) else None
        if isinstance(count, int) and not isinstance(count, bool) and count >= 0:
            self.tokens = count


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _choice(body: dict[str, Any]) -> dict[str, Any]:
    """The first choice; empty where there is none."""
    choices = body.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else {}


def _error_message(error: object) -> str:
    message = error.get("message") if isinstance(error, dict) else error
    return message if isinstance(message, str) and message else "no reason given"
