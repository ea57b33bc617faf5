"""The server's side of inference: starts the process on first need, sends requests, restarts it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import AsyncGenerator

from pydantic import BaseModel

from tui.engine.answering.protocol import (
    EVENT,
    Cancel,
    Done,
    Event,
    Failed,
    GenerationRequest,
    encode_line,
)
from tui.engine.errors import ApiError
from tui.engine.home import Home
from tui.engine.jobs.launcher import torch_environment

_log = logging.getLogger("ftui.engine")

IDLE_SECONDS = 900.0
"""After so long without a request the process ends, to free its memory."""
_MAX_LINE = 256 * 1024**2
_ATTEMPTS = 3
"""Processes that may die during a request before it fails."""


class _ProcessEnded(Exception):
    """The process ended before it had answered."""


class _Process:
    """One inference process, from its start to its end."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._queues: dict[str, asyncio.Queue[Event | None]] = {}
        """The events of each request; None once the process has ended."""
        self._reader = asyncio.create_task(self._read())

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether its output has ended."""
        return self._reader.done()

    @property
    def is_idle(self) -> bool:
        """Whether no request waits for it."""
        return not self._queues

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[Event, None]:
        """Yield the events of a request, `Done` or `Failed` last.

        Raises:
            _ProcessEnded: the process ended before.
        """
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        if self.has_ended:
            raise _ProcessEnded
        self._queues[request.id] = queue
        finished = False
        try:
            await self._send(request)
            while not finished:
                event = await queue.get()
                if event is None:
                    raise _ProcessEnded
                finished = isinstance(event, Done | Failed)
                yield event
        finally:
            del self._queues[request.id]
            if not (finished or self.has_ended):
                # Not awaited: the caller may have been cancelled.
                self._write(Cancel(id=request.id))

    async def _send(self, request: GenerationRequest) -> None:
        self._write(request)
        assert self._process.stdin is not None
        # Where the pipe is broken `_read` ends all waiting requests, after their last events.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            await self._process.stdin.drain()

    def _write(self, record: BaseModel) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(encode_line(record))

    async def _read(self) -> None:
        """Dispatch each event to its request; at the end, wake every request that waits."""
        assert self._process.stdout is not None
        try:
            async for line in self._process.stdout:
                event = EVENT.validate_json(line)
                queue = self._queues.get(event.id)
                if queue is not None:
                    queue.put_nowait(event)
            status = await self._process.wait()
            if status != 0:
                _log.warning("the inference process ended with status %s", status)
        finally:
            for queue in self._queues.values():
                queue.put_nowait(None)

    async def wait(self) -> str:
        """Wait for its end and describe how it ended."""
        await asyncio.wait([self._reader])
        status = self._process.returncode
        if status == -signal.SIGKILL:
            return "was killed, perhaps because the machine ran out of memory"
        return f"ended unexpectedly (status {status})"

    def close_input(self) -> None:
        """Let it end by itself."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    async def kill(self) -> None:
        """Kill it and wait for its end."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await asyncio.wait([self._reader])


class InferenceClient:
    """Answers requests through a process of its own, which batches concurrent ones."""

    def __init__(self, home: Home, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self._home = home
        self._idle_seconds = idle_seconds
        self._process: _Process | None = None
        self._start_lock = asyncio.Lock()
        self._idle_timer: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int | None:
        """Id of the process; None while none runs."""
        return None if self._process is None or self._process.has_ended else self._process.pid

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[Event, None]:
        """Yield the events of a request, `Done` last.

        A request whose process died starts over in a new one, so choices may be repeated; a
        streamed request does so only before its first event.

        Raises:
            ApiError: the request failed, or its processes died.
        """
        ending = ""
        for _ in range(_ATTEMPTS):
            process = await self._running_process()
            has_events = False
            try:
                async with contextlib.aclosing(process.generate(request)) as events:
                    async for event in events:
                        if isinstance(event, Failed):
                            raise _api_error(event)
                        has_events = True
                        yield event
                return
            except _ProcessEnded:
                ending = await process.wait()
                if has_events and request.stream:
                    break
            finally:
                self._restart_idle_timer()
        raise ApiError(
            503,
            f"The inference process {ending}. Try again. Its log is {self._home.answering_log}.",
            code="answering_ended",
            kind="server_error",
        )

    async def _running_process(self) -> _Process:
        async with self._start_lock:
            if self._process is None or self._process.has_ended:
                self._process = await self._start()
            return self._process

    async def _start(self) -> _Process:
        with self._home.answering_log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tui.engine.answering.inference",
                str(self._home.root),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=torch_environment(),
                limit=_MAX_LINE,
            )
        return _Process(process)

    def _restart_idle_timer(self) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        loop = asyncio.get_running_loop()
        self._idle_timer = loop.call_later(self._idle_seconds, self._end_if_idle)

    def _end_if_idle(self) -> None:
        if self._process is not None and self._process.is_idle:
            self._process.close_input()

    async def close(self) -> None:
        """End the process."""
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        if self._process is not None:
            await self._process.kill()


def _api_error(failure: Failed) -> ApiError:
    kind = "server_error" if failure.status >= 500 else "invalid_request_error"
    return ApiError(
        failure.status, failure.message, code=failure.code, param=failure.param, kind=kind
    )
