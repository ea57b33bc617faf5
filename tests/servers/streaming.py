"""A real HTTP server that streams chat answers, well or as badly as it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from servers.chat import completion
from servers.misbehaving import HTML, MisbehavingServer

Answers = dict[str, Callable[[list[dict[str, Any]]], str]]


class StreamingServer(MisbehavingServer):
    """Answers by `models`: name -> function of the messages; a word is a piece of the stream.

    `habits` says how a model is answered for: "well"; "whole" (it refuses to stream); "ignores" (it
    answers whole all the same); "uncounted" (no usage); "garbage" (between the events); "breaks"
    and "ends" (after two words, by a reset or politely); "error" (told after two words); "html";
    "missing" (404).
    """

    def __init__(self, models: Answers) -> None:
        super().__init__()
        self.models = models
        self.habits: dict[str, str] = {}
        self.pause = 0.0
        """Seconds between two words."""
        self.held: dict[str, asyncio.Event] = {}
        """Models that wait for an event after two words."""
        self.asked: list[dict[str, Any]] = []
        self.left: asyncio.Queue[str] = asyncio.Queue()
        """Models whose client went away before the end."""

    def messages(self, model: str) -> list[dict[str, Any]]:
        """What the model was asked last."""
        asked: list[dict[str, Any]] = self.of(model)["messages"]
        return asked

    def of(self, model: str) -> dict[str, Any]:
        """The last request to the model."""
        return [one for one in self.asked if one["model"] == model][-1]

    def answer(
        self, method: str, path: str, query: dict[str, list[str]], body: bytes
    ) -> tuple[int, Any]:
        if not path.endswith("/chat/completions"):
            return super().answer(method, path, query, body)
        request = json.loads(body)
        model = request["model"]
        self.asked.append(request)
        habit = self.habits.get(model, "well")
        if habit == "missing":
            return 404, {"error": {"message": f"The deployment {model} does not exist."}}
        if habit == "whole" and request.get("stream"):
            return 400, {"error": {"message": "stream is not supported here."}}
        text = self.models[model](request["messages"])
        if habit in ("whole", "ignores"):
            return 200, completion(model, text)
        return 200, {"model": model, "habit": habit, "words": text.split(" ")}

    async def _send(
        self,
        writer: asyncio.StreamWriter,
        code: int,
        body: bytes,
        more: dict[str, str] | None = None,
    ) -> None:
        said = json.loads(body) if body.startswith(b"{") else {}
        if said.get("habit") == "html":
            await super()._send(writer, 200, HTML.encode(), {"Content-Type": "text/html"})
        elif "words" in said:
            try:
                await self._stream(writer, **said)
            except ConnectionError:
                self.left.put_nowait(said["model"])
                raise
        else:
            await super()._send(writer, code, body, more)

    async def _stream(
        self, writer: asyncio.StreamWriter, model: str, habit: str, words: list[str]
    ) -> None:
        kind = b"Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        writer.write(b"HTTP/1.1 200 OK\r\n" + kind)
        await _event(writer, {"choices": [{"index": 0, "delta": {"role": "assistant"}}]})
        for number, word in enumerate(words):
            if number == 2:
                if model in self.held:
                    await self.held[model].wait()
                if habit == "breaks":
                    writer.transport.abort()
                    raise ConnectionResetError
                if habit == "error":
                    await _event(writer, {"error": {"message": "The memory is full."}})
                if habit in ("error", "ends"):
                    await _chunk(writer, b"")
                    return
            if habit == "garbage":
                await _chunk(writer, b": a comment\ndata: {not json\n\nevent: x\n\xff\xfe\n\n")
            await asyncio.sleep(self.pause)
            text = word if number == 0 else f" {word}"
            await _event(writer, {"choices": [{"index": 0, "delta": {"content": text}}]})
        end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        await _event(writer, end)
        if habit != "uncounted":
            await _event(writer, {"choices": [], "usage": {"completion_tokens": len(words)}})
        await _chunk(writer, b"data: [DONE]\n\n")
        await _chunk(writer, b"")


async def _event(writer: asyncio.StreamWriter, said: dict[str, Any]) -> None:
    await _chunk(writer, b"data: " + json.dumps(said).encode() + b"\n\n")


async def _chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    """A chunk of HTTP; the empty one is the last."""
    if writer.transport.is_closing():
        raise ConnectionResetError
    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
    await writer.drain()


@asynccontextmanager
async def streaming_server(models: Answers) -> AsyncIterator[StreamingServer]:
    """The server on a free loopback port; `url` is its base address."""
    server = StreamingServer(models)
    running = await asyncio.start_server(server.handle, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}/v1"
    try:
        yield server
    finally:
        running.close()
        server.hang_up()
