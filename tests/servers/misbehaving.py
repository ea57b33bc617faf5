"""A real HTTP server that speaks the fine-tuning protocol, correctly or with faults.

Every answer goes over a real socket. A test gives the server jobs and events, and a list of faults:
each fault happens to the next request whose method and path match.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from servers.stored_files import StoredFiles

Server = TypeVar("Server", bound="MisbehavingServer")
HTML = "<html><body>Please log in to the hotel's network.</body></html>"


@dataclass
class Fault:
    """A fault that happens to one request.

    `kind`: "status" (with `code`, `headers`, `body`), "html" (a page with 200), "reset" (the
    connection breaks in the middle of the body), "hang" (no answer), "after" (the request is done,
    and the answer is the `code` all the same), "after-reset" and "after-hang" (it is done, and the
    connection breaks, or nothing is answered), "pass" (nothing goes wrong, for once).
    """

    kind: str
    code: int = 500
    path: str = ""
    method: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None

    def matches(self, method: str, path: str) -> bool:
        return self.path in path and self.method in ("", method)


class MisbehavingServer:
    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.events: dict[str, list[dict[str, Any]]] = {}
        self.checkpoints: dict[str, list[dict[str, Any]]] = {}
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str]] = []
        self.received: list[tuple[str, bytes]] = []
        """Each request's method and target with its query, and its body."""
        self.uploads: list[bytes] = []
        self.files = StoredFiles()
        self.bodies: list[dict[str, Any]] = []
        """The bodies of requests for a new job."""
        self.unknown: set[str] = set()
        """Parameters of a new job that the server does not know, and refuses."""
        self.without_has_more = False
        self.ignores_after = False
        self.without_checkpoints = False
        self.oldest_first = False
        self.arrange: Callable[[list[Any]], list[Any]] = lambda events: events
        """The order in which events are listed, where it is neither by time nor against it."""
        self.clock_ahead: float | None = None
        """Seconds by which the clock in the server's `Date` is ahead; None to send no date."""
        self.missing_paths: set[str] = set()
        """Endings of paths that the server does not have."""
        self.models: Any = {"object": "list", "data": []}
        self.key = ""
        """The one key that it accepts; any where it is empty."""
        self.hanging = asyncio.Event()
        """Set while a request gets no answer."""
        self.can_pause = False
        self.polls_until_paused = 0
        self.url = ""
        self._connections: set[asyncio.Task[None]] = set()

    def add_job(self, job: str = "ftjob-1", **fields: Any) -> dict[str, Any]:
        self.jobs[job] = {
            "object": "fine_tuning.job",
            "id": job,
            "created_at": 1_700_000_000,
            "model": "base",
            "status": "running",
            **fields,
        }
        self.events.setdefault(job, [])
        return self.jobs[job]

    def add_step(self, step: int, job: str = "ftjob-1", **data: Any) -> dict[str, Any]:
        event = {
            "object": "fine_tuning.job.event",
            "id": f"ev-{job}-{step}",
            "created_at": 1_700_000_000 + step,
            "level": "info",
            "type": "metrics",
            "message": f"Step {step}",
            "data": {"step": step, "total_steps": 100, "train_loss": 3.0 / step, **data},
        }
        self.events[job].append(event)
        return event

    def add_message(self, message: str, at: float, job: str = "ftjob-1", **fields: Any) -> None:
        event = {"id": f"ev-{job}-m{at}", "created_at": at, "type": "message", "message": message}
        self.events[job].append({**event, **fields})

    def finish(self, job: str = "ftjob-1", status: str = "succeeded") -> None:
        tuned = f"ft:base:{job}" if status == "succeeded" else None
        self.jobs[job] |= {
            "status": status,
            "finished_at": 1_700_001_000,
            "fine_tuned_model": tuned,
        }

    def count(self, method: str, ending: str) -> int:
        return sum(m == method and path.endswith(ending) for m, path in self.requests)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._connections.add(task)
        # A client that goes away, and the end of the test, end a connection quietly.
        quiet = (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError)
        with contextlib.suppress(*quiet):
            while await self._exchange(reader, writer):
                pass
        self._connections.discard(task)
        writer.close()

    def hang_up(self) -> None:
        for task in list(self._connections):
            task.cancel()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, target, _ = head.split("\r\n")[0].split(" ", 2)
        length = re.search(r"(?i)content-length: (\d+)", head)
        body = await reader.readexactly(int(length[1])) if length else b""
        if "transfer-encoding: chunked" in head.lower():
            body = await self._chunks(reader)
        url = urlsplit(target)
        self.requests.append((method, url.path))
        self.received.append((f"{method} {target}", body))
        fault = next((f for f in self.faults if f.matches(method, url.path)), None)
        if fault:
            self.faults.remove(fault)
            fault = fault if fault.kind != "pass" else None
        if fault and not fault.kind.startswith("after"):
            return await self._misbehave(fault, writer)
        if self.key and f"bearer {self.key}".lower() not in head.lower():
            code, answer = 401, {"error": {"message": "Incorrect API key provided."}}
        elif any(url.path.endswith(ending) for ending in self.missing_paths):
            code, answer = 404, {"detail": "Not Found"}
        else:
            code, answer = self.answer(method, url.path, parse_qs(url.query), body)
        if fault and fault.kind != "after":
            return await self._misbehave(Fault(fault.kind.removeprefix("after-")), writer)
        if fault:
            code, answer = fault.code, {"error": {"message": "It broke after the work."}}
        await self._send(writer, code, json.dumps(answer).encode())
        return True

    async def _chunks(self, reader: asyncio.StreamReader) -> bytes:
        parts = []
        while size := int(await reader.readline(), 16):
            parts.append(await reader.readexactly(size))
            await reader.readline()
        await reader.readline()
        return b"".join(parts)

    async def _misbehave(self, fault: Fault, writer: asyncio.StreamWriter) -> bool:
        match fault.kind:
            case "html":
                await self._send(writer, 200, HTML.encode(), {"Content-Type": "text/html"})
                return True
            case "reset":
                writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{"data": [')
                await writer.drain()
                writer.transport.abort()
                return False
            case "hang":
                self.hanging.set()
                await asyncio.sleep(3600)
                return False
        await self._send(writer, fault.code, json.dumps(fault.body).encode(), fault.headers)
        return True

    async def _send(
        self,
        writer: asyncio.StreamWriter,
        code: int,
        body: bytes,
        more: dict[str, str] | None = None,
    ) -> None:
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        if self.clock_ahead is not None:
            headers["Date"] = formatdate(time.time() + self.clock_ahead, usegmt=True)
        lines = [f"{name}: {value}" for name, value in (headers | (more or {})).items()]
        writer.write(f"HTTP/1.1 {code} X\r\n".encode() + "\r\n".join(lines).encode())
        writer.write(b"\r\n\r\n" + body)
        await writer.drain()

    def answer(
        self, method: str, path: str, query: dict[str, list[str]], body: bytes
    ) -> tuple[int, Any]:
        parts = path.removeprefix("/v1").strip("/").split("/")
        if (method, parts) == ("POST", ["files"]):
            self.uploads.append(body)
        stored = self.files.answer(method, parts, body)
        if stored:
            return stored
        match method, parts:
            case "GET", ["engine", "status"]:
                return 200, {"running": True, "pid": 1, "socket": "-", "home": "-", "jobs": []}
            case "POST", ["fine_tuning", "jobs"]:
                return self._create(json.loads(body))
            case "GET", ["fine_tuning", "jobs"]:
                return 200, self._page(list(reversed(self.jobs.values())), query)
            case _, ["fine_tuning", "jobs", job, *rest] if job in self.jobs:
                return self._job(method, job, rest, query)
        return self._answer_without_job(parts, query) if method == "GET" else _no_such(path)

    def _answer_without_job(self, parts: list[str], query: dict[str, list[str]]) -> tuple[int, Any]:
        """The answer to a GET that is not about a job of the server."""
        match parts:
            case ["models"]:
                return 200, self.models
            case ["files"]:
                return 200, self._page([], query)
            case ["uploads"] | ["chat", "completions"] | [*_, "pause" | "resume"]:
                return 405, {"detail": "Method Not Allowed"}
            case [*_, job, "events" | "checkpoints"]:
                return _no_such(job)
        return _no_such("/".join(parts))

    def _create(self, request: dict[str, Any]) -> tuple[int, Any]:
        self.bodies.append(request)
        for name in self.unknown & set(request):
            return 400, {"error": {"message": f"Unknown parameter: '{name}'.", "param": name}}
        job = self.add_job(f"ftjob-{len(self.jobs) + 1}", status="queued", created_at=1_700_000_500)
        copied = (
            "model",
            "training_file",
            "validation_file",
            "method",
            "metadata",
            "suffix",
            "seed",
        )
        job.update({key: request[key] for key in copied if key in request})
        return 200, job

    def _job(
        self, method: str, job: str, rest: list[str], query: dict[str, list[str]]
    ) -> tuple[int, Any]:
        match method, rest:
            case "GET", []:
                self._pause_if_due(job)
                return 200, self.jobs[job]
            case "GET", ["events"]:
                events = self.arrange(self.events[job])
                return 200, self._page(events if self.oldest_first else events[::-1], query)
            case "GET", ["checkpoints"] if not self.without_checkpoints:
                return 200, self._page(self.checkpoints.get(job, [])[::-1], query)
            case "POST", ["cancel"]:
                self.finish(job, "cancelled")
                return 200, self.jobs[job]
            case "POST", ["pause"] if self.can_pause:
                self.jobs[job]["status"] = "pausing"
                return 200, self.jobs[job]
            case "POST", ["resume"] if self.can_pause:
                self.jobs[job]["status"] = "queued"
                return 200, self.jobs[job]
        return 404, {"detail": "Not Found"}

    def _pause_if_due(self, job: str) -> None:
        """A pausing job saves a checkpoint and is paused after some polls."""
        if self.jobs[job]["status"] != "pausing":
            return
        self.polls_until_paused -= 1
        if self.polls_until_paused < 0:
            self.jobs[job]["status"] = "paused"
            steps = [event.get("data", {}).get("step", 0) for event in self.events[job]]
            if steps:
                self.save(max(steps), job)

    def save(self, step: int, job: str = "ftjob-1", **metrics: float) -> None:
        """A checkpoint of a step."""
        checkpoint = {
            "id": f"ckpt-{job}-{step}",
            "created_at": 1_700_000_000 + step,
            "step_number": step,
            "fine_tuned_model_checkpoint": f"ft:base:{job}:ckpt-step-{step}",
            "metrics": metrics,
        }
        self.checkpoints.setdefault(job, []).append(checkpoint)

    def _page(self, items: list[Any], query: dict[str, list[str]]) -> dict[str, Any]:
        limit = int(query.get("limit", ["20"])[0])
        after = None if self.ignores_after else query.get("after", [None])[0]
        identified = items if after else []
        ids = [item.get("id") if isinstance(item, dict) else None for item in identified]
        begin = ids.index(after) + 1 if after in ids else 0
        page: dict[str, Any] = {"object": "list", "data": items[begin : begin + limit]}
        if not self.without_has_more:
            page["has_more"] = begin + limit < len(items)
        return page


def _no_such(name: str) -> tuple[int, Any]:
    return 404, {"error": {"message": f"No such thing: {name}", "code": "not_found"}}


@asynccontextmanager
async def serving(server: Server) -> AsyncIterator[Server]:
    """The server on a free loopback port; `url` is its base address."""
    running = await asyncio.start_server(server.handle, "127.0.0.1", 0)
    port = running.sockets[0].getsockname()[1]
    server.url = f"http://127.0.0.1:{port}/v1"
    try:
        yield server
    finally:
        running.close()
        server.hang_up()


def misbehaving_server() -> AbstractAsyncContextManager[MisbehavingServer]:
    """A new server on a free loopback port."""
    return serving(MisbehavingServer())
