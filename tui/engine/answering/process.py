"""The server's side of the answering process: starts it on first need, asks it, replaces it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import AsyncGenerator

from pydantic import BaseModel

from tui.engine.answering.protocol import TOLD, Done, Forget, Question, Refused, Told, as_line
from tui.engine.errors import ApiError
from tui.engine.home import Home
from tui.engine.jobs.launcher import torch_environment

_log = logging.getLogger("ftui.engine")

IDLE_SECONDS = 900.0
"""After so long without a question the process ends, to free its memory."""
_LONGEST_LINE = 256 * 1024**2
_TRIES = 3
"""Processes that may die over a question before it is given up."""


class _Gone(Exception):
    """The process ended before it had answered."""


class _Life:
    """One answering process, from its start to its end."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._waiting: dict[str, asyncio.Queue[Told | None]] = {}
        self._reading = asyncio.create_task(self._read())

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def over(self) -> bool:
        """Whether it has told its last."""
        return self._reading.done()

    @property
    def idle(self) -> bool:
        """Whether nobody waits for an answer."""
        return not self._waiting

    async def ask(self, question: Question) -> AsyncGenerator[Told, None]:
        """Yield what is told about a question, `Done` or `Refused` last.

        Raises:
            _Gone: the process ended before.
        """
        queue: asyncio.Queue[Told | None] = asyncio.Queue()
        if self.over:
            raise _Gone
        self._waiting[question.id] = queue
        finished = False
        try:
            await self._send(question)
            while not finished:
                told = await queue.get()
                if told is None:
                    raise _Gone
                finished = isinstance(told, Done | Refused)
                yield told
        finally:
            del self._waiting[question.id]
            if not (finished or self.over):
                # Not waited for: whoever left may have been cancelled.
                self._write(Forget(id=question.id))

    async def _send(self, question: Question) -> None:
        self._write(question)
        assert self._process.stdin is not None
        # Where the pipe is broken `_read` says so to all who wait, after what was told before.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            await self._process.stdin.drain()

    def _write(self, record: BaseModel) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(as_line(record))

    async def _read(self) -> None:
        """Hand every line to whom it concerns; at the end tell all who wait that it is over."""
        assert self._process.stdout is not None
        try:
            async for line in self._process.stdout:
                told = TOLD.validate_json(line)
                queue = self._waiting.get(told.id)
                if queue is not None:
                    queue.put_nowait(told)
            status = await self._process.wait()
            if status != 0:
                _log.warning("the answering process ended with status %s", status)
        finally:
            for queue in self._waiting.values():
                queue.put_nowait(None)

    async def ended(self) -> str:
        """Wait for its end; gives how it ended, in words."""
        await asyncio.wait([self._reading])
        status = self._process.returncode
        if status == -signal.SIGKILL:
            return "was killed, perhaps because the machine's memory ran out"
        return f"ended unexpectedly (status {status})"

    def end_quietly(self) -> None:
        """Let it end by itself."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    async def kill(self) -> None:
        """End it now."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await asyncio.wait([self._reading])


class Answering:
    """Answers questions through a process of its own, which batches what comes together."""

    def __init__(self, home: Home, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self._home = home
        self._idle_seconds = idle_seconds
        self._life: _Life | None = None
        self._starting = asyncio.Lock()
        self._idle: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int | None:
        """Id of the process; None while none runs."""
        return None if self._life is None or self._life.over else self._life.pid

    async def ask(self, question: Question) -> AsyncGenerator[Told, None]:
        """Yield what is told about a question, `Done` last.

        A question whose process died is asked again from the start: its choices are told anew. A
        streamed one only if nothing was told of it.

        Raises:
            ApiError: it was refused, or processes died over it.
        """
        ended = ""
        for _ in range(_TRIES):
            life = await self._running()
            told_something = False
            try:
                async with contextlib.aclosing(life.ask(question)) as tellings:
                    async for told in tellings:
                        if isinstance(told, Refused):
                            raise _refusal(told)
                        told_something = True
                        yield told
                return
            except _Gone:
                ended = await life.ended()
                if told_something and question.stream:
                    break
            finally:
                self._rest()
        raise ApiError(
            503,
            f"The process that answers {ended}. Try again. Its log is {self._home.answering_log}.",
            code="answering_ended",
            kind="server_error",
        )

    async def _running(self) -> _Life:
        async with self._starting:
            if self._life is None or self._life.over:
                self._life = await self._start()
            return self._life

    async def _start(self) -> _Life:
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
                limit=_LONGEST_LINE,
            )
        return _Life(process)

    def _rest(self) -> None:
        """End the process if nothing is asked for a while."""
        if self._idle is not None:
            self._idle.cancel()
        loop = asyncio.get_running_loop()
        self._idle = loop.call_later(self._idle_seconds, self._end_if_idle)

    def _end_if_idle(self) -> None:
        if self._life is not None and self._life.idle:
            self._life.end_quietly()

    async def close(self) -> None:
        """End the process."""
        if self._idle is not None:
            self._idle.cancel()
        if self._life is not None:
            await self._life.kill()


def _refusal(told: Refused) -> ApiError:
    kind = "server_error" if told.status >= 500 else "invalid_request_error"
    return ApiError(told.status, told.message, code=told.code, param=told.param, kind=kind)
