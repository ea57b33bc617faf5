"""The server's side of the answering process: starts it on first need, asks it, replaces it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncGenerator

from pydantic import BaseModel

from tui.engine.errors import ApiError
from tui.engine.home import Home
from tui.engine.launcher import torch_environment
from tui.engine.questions import TOLD, Done, Forget, Question, Refused, Told, as_line

_log = logging.getLogger("ftui.engine")

IDLE_SECONDS = 900.0
"""After so long without a question the process ends, to free its memory."""
_LONGEST_LINE = 16 * 1024**2


class _Gone(Exception):
    """The process ended before it had answered."""


class Answering:
    """Answers questions through a process of its own, which batches what comes together."""

    def __init__(self, home: Home, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self._home = home
        self._idle_seconds = idle_seconds
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._waiting: dict[str, asyncio.Queue[Told | None]] = {}
        self._idle: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int | None:
        """Id of the process; None while none runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def ask(self, question: Question) -> AsyncGenerator[Told, None]:
        """Yield what is told about a question, `Done` last.

        A question whose process died before it said anything is asked once more.

        Raises:
            ApiError: it was refused, or the process died twice or in the middle.
        """
        for last_try in (False, True):
            told_something = False
            try:
                async with contextlib.aclosing(self._ask_once(question)) as tellings:
                    async for told in tellings:
                        told_something = True
                        yield told
                return
            except _Gone as error:
                if last_try or told_something:
                    raise ApiError(
                        503,
                        "The process that answers ended unexpectedly; try again. "
                        f"Its log is {self._home.answering_log}.",
                        code="answering_ended",
                        kind="server_error",
                    ) from error

    async def _ask_once(self, question: Question) -> AsyncGenerator[Told, None]:
        queue: asyncio.Queue[Told | None] = asyncio.Queue()
        self._waiting[question.id] = queue
        finished = False
        try:
            await self._send(question)
            while not finished:
                told = await queue.get()
                if told is None:
                    finished = True
                    raise _Gone
                if isinstance(told, Refused):
                    finished = True
                    raise ApiError(told.status, told.message, code=told.code, param=told.param)
                finished = isinstance(told, Done)
                yield told
        finally:
            self._waiting.pop(question.id, None)
            if not finished:
                with contextlib.suppress(_Gone):
                    await self._send(Forget(id=question.id))
            self._rest()

    async def _send(self, record: BaseModel) -> None:
        async with self._starting:
            if self.pid is None:
                await self._start()
            process = self._process
        assert process is not None
        assert process.stdin is not None
        try:
            process.stdin.write(as_line(record))
            await process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError) as error:
            raise _Gone from error

    async def _start(self) -> None:
        if self._reader is not None:
            await self._reader
        with self._home.answering_log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tui.engine.inference",
                str(self._home.root),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=torch_environment(),
                limit=_LONGEST_LINE,
            )
        self._reader = asyncio.create_task(self._read(self._process))

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Hand every line to whom it concerns; at the end tell all who wait that it is over."""
        assert process.stdout is not None
        async for line in process.stdout:
            told = TOLD.validate_json(line)
            queue = self._waiting.get(told.id)
            if queue is not None:
                queue.put_nowait(told)
        status = await process.wait()
        if status != 0:
            _log.warning("the answering process ended with status %s", status)
        for queue in self._waiting.values():
            queue.put_nowait(None)

    def _rest(self) -> None:
        """End the process if nothing is asked for a while."""
        if self._idle is not None:
            self._idle.cancel()
        loop = asyncio.get_running_loop()
        self._idle = loop.call_later(self._idle_seconds, self._end_if_idle)

    def _end_if_idle(self) -> None:
        if not self._waiting and self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    async def close(self) -> None:
        """End the process."""
        if self._idle is not None:
            self._idle.cancel()
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
