"""A real HTTP server that answers chat requests as a test defines, after a delay."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from servers.misbehaving import MisbehavingServer, serving


class ChatServer(MisbehavingServer):
    """Answers by `models`: name -> function of the messages; `delay` in seconds."""

    def __init__(self, models: dict[str, Callable[[list[dict[str, Any]]], str]]) -> None:
        super().__init__()
        self.models = models
        self.refused: dict[str, int] = {}
        """Models to refuse -> the status."""
        self.delay = 0.0
        self.chat_requests: list[dict[str, Any]] = []
        self.in_flight = 0
        self.peak = 0

    def answer(
        self, method: str, path: str, query: dict[str, list[str]], body: bytes
    ) -> tuple[int, Any]:
        if not path.endswith("/chat/completions"):
            return super().answer(method, path, query, body)
        request = json.loads(body)
        self.chat_requests.append(request)
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        if status := self.refused.get(request["model"]):
            return status, {"error": {"message": f"{request['model']} cannot be loaded."}}
        if request["model"] not in self.models:
            error = {"message": f"The model {request['model']} does not exist.", "code": "x"}
            return 404, {"error": error}
        text = self.models[request["model"]](request["messages"])
        return 200, completion(request["model"], text)

    async def _send(
        self,
        writer: asyncio.StreamWriter,
        code: int,
        body: bytes,
        headers: dict[str, str] | None = None,
    ) -> None:
        await asyncio.sleep(self.delay)
        self.in_flight -= 1
        await super()._send(writer, code, body, headers)


def completion(model: str, text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": len(text.split()), "total_tokens": 9},
    }


def chat_server(
    models: dict[str, Callable[[list[dict[str, Any]]], str]],
) -> AbstractAsyncContextManager[ChatServer]:
    """A server of these models on a free loopback port."""
    return serving(ChatServer(models))
