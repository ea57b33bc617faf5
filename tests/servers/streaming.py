"""A real HTTP server that streams chat answers, correctly or with faults."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from servers.chat import completion
from servers.misbehaving import HTML, MisbehavingServer, serving

Answers = dict[str, Callable[[list[dict[str, Any]]], str]]


class StreamingServer(MisbehavingServer):
    """Answers by `models`: name -> function of the messages; a word is a piece of the stream.

    `quirks` holds how a model is served: "well"; "whole" (it refuses to stream); "ignores" (it
    answers whole all the same); "uncounted" (no usage); "garbage" (between the events); "breaks"
    and "ends" (after two words, by a reset or cleanly); "error" (after two words); "html";
    "missing" (404).
    """

    def __init__(self, models: Answers) -> None:
        super().__init__()
        self.models = models
        self.quirks: dict[str, str] = {}
        self.pause = 0.0
        """Seconds between two words."""
        self.paused: dict[str, asyncio.Event] = {}
        """Models that wait for an event after two words."""
        self.chat_requests: list[dict[str, Any]] = []
        self.disconnected: asyncio.Queue[str] = asyncio.Queue()
        """Models whose client disconnected before the end."""

    def messages(self, model: str) -> list[dict[str, Any]]:
        """The messages of the last request to the model."""
        messages: list[dict[str, Any]] = self.last_request(model)["messages"]
        return messages

    def last_request(self, model: str) -> dict[str, Any]:
        """The last request to the model."""
        return [request for request in self.chat_requests if request["model"] == model][-1]

    def answer(
        self, method: str, path: str, query: dict[str, list[str]], body: bytes
    ) -> tuple[int, Any]:
        if not path.endswith("/chat/completions"):
            return super().answer(method, path, query, body)
        request = json.loads(body)
        model = request["model"]
        self.chat_requests.append(request)
        quirk = self.quirks.get(model, "well")
        if quirk == "missing":
            return 404, {"error": {"message": f"The deployment {model} does not exist."}}
        if quirk == "whole" and request.get("stream"):
            return 400, {"error": {"message": "stream is not supported here."}}
        text = self.models[model](request["messages"])
        if quirk in ("whole", "ignores"):
            return 200, completion(model, text)
        return 200, {"model": model, "quirk": quirk, "words": text.split(" ")}

    async def _send(
        self,
        writer: asyncio.StreamWriter,
        code: int,
        body: bytes,
        more: dict[str, str] | None = None,
    ) -> None:
        response = json.loads(body) if body.startswith(b"{") else {}
        if response.get("quirk") == "html":
            await super()._send(writer, 200, HTML.encode(), {"Content-Type": "text/html"})
        elif "words" in response:
            try:
                await self._stream(writer, **response)
            except ConnectionError:
                self.disconnected.put_nowait(response["model"])
                raise
        else:
            await super()._send(writer, code, body, more)

    async def _stream(
        self, writer: asyncio.StreamWriter, model: str, quirk: str, words: list[str]
    ) -> None:
        kind = b"Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        writer.write(b"HTTP/1.1 200 OK\r\n" + kind)
        await _event(writer, {"choices": [{"index": 0, "delta": {"role": "assistant"}}]})
        for number, word in enumerate(words):
            if number == 2:
                if model in self.paused:
                    await self.paused[model].wait()
                if quirk == "breaks":
                    writer.transport.abort()
                    raise ConnectionResetError
                if quirk == "error":
                    await _event(writer, {"error": {"message": "The memory is full."}})
                if quirk in ("error", "ends"):
                    await _chunk(writer, b"")
                    return
            if quirk == "garbage":
                await _chunk(writer, b": a comment\ndata: {not json\n\nevent: x\n\xff\xfe\n\n")
            await asyncio.sleep(self.pause)
            text = word if number == 0 else f" {word}"
            await _event(writer, {"choices": [{"index": 0, "delta": {"content": text}}]})
        end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        await _event(writer, end)
        if quirk != "uncounted":
            await _event(writer, {"choices": [], "usage": {"completion_tokens": len(words)}})
        await _chunk(writer, b"data: [DONE]\n\n")
        await _chunk(writer, b"")


async def _event(writer: asyncio.StreamWriter, event: dict[str, Any]) -> None:
    await _chunk(writer, b"data: " + json.dumps(event).encode() + b"\n\n")


async def _chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    """A chunk of HTTP; the empty one is the last."""
    if writer.transport.is_closing():
        raise ConnectionResetError
    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
    await writer.drain()


def streaming_server(models: Answers) -> AbstractAsyncContextManager[StreamingServer]:
    """A server of these models on a free loopback port."""
    return serving(StreamingServer(models))
