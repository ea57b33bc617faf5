"""What a server sends for a chat request, streamed or whole, read piece by piece; never raises."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

LARGEST = 8_000_000
"""Bytes of one answer that are read; nobody reads more in a chat."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Text that the answer goes on with."""

    text: str


@dataclass(frozen=True, slots=True)
class Failure:
    """The server says that it failed, or says nothing that can be understood."""

    message: str


class AnswerReader:
    """Reads server-sent events of chat chunks, or one chat completion.

    Lines that are neither are passed over. Whatever the pieces in which the bytes come, the same is
    told.

    Attributes:
        reason: why the answer ended, as the server puts it; None while it has not.
        tokens: tokens of the answer, where the server counts them.
        finished: whether the server said that this was all.
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
        """Whether more came than is read."""
        return self._size > LARGEST

    def feed(self, data: bytes) -> Iterator[Piece | Failure]:
        """What the bytes tell."""
        self._size += len(data)
        if self.too_large:
            return
        *lines, self._line = (self._line + self._decoder.decode(data)).split("\n")
        for line in lines:
            yield from self._read(line)

    def close(self) -> Iterator[Piece | Failure]:
        """What is told by the end of the bytes."""
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
        said = _object(value)
        if said is None:
            return
        self._streamed = True
        yield from self._told(said, "delta")

    def _whole(self, body: str) -> Iterator[Piece | Failure]:
        said = _object(body)
        if said is None or not (said.get("error") or _choice(said)):
            yield Failure("it is no chat completion")
            return
        yield from self._told(said, "message")
        self.finished = True

    def _told(self, said: dict[str, Any], part: str) -> Iterator[Piece | Failure]:
        if error := said.get("error"):
            yield Failure(_message(error))
        choice = _choice(said)
        told = choice.get(part)
        text = told.get("content") if isinstance(told, dict) else None
        if isinstance(text, str) and text:
            # A lone surrogate out of a JSON escape could be neither kept nor sent back.
            yield Piece(text.encode("utf-8", "replace").decode())
        if isinstance(reason := choice.get("finish_reason"), str):
            self.reason = reason
        usage = said.get("usage")
        count = usage.get("completion_tokens") if isinstance(usage, dict) else None
        if isinstance(count, int) and not isinstance(count, bool) and count >= 0:
            self.tokens = count


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _choice(said: dict[str, Any]) -> dict[str, Any]:
    """The first choice; empty where there is none."""
    choices = said.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else {}


def _message(error: object) -> str:
    said = error.get("message") if isinstance(error, dict) else error
    return said if isinstance(said, str) and said else "it gave no reason"
