"""The embedded engine as a process: status, start, stop.

The engine is never imported here: it is a separate program (`python -m tui.engine`) that outlives
its parent and is reached over its Unix socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, ValidationError

from tui.services.errors import INSTALL_LOCAL, EngineMissing, EngineUnavailable
from tui.services.workspace.files import explain
from tui.settings import Settings

if TYPE_CHECKING:
    import httpx2

T = TypeVar("T")
EXTRA = ("torch", "transformers", "trl", "peft", "llguidance", "fastapi", "uvicorn")
"""Packages of the extra `local` that training and answering need."""

LOOPBACK = "127.0.0.1"
ENGINE_URL = "http://engine"
"""Base URL over the socket; the host name is never resolved."""

START_SECONDS = 90.0
PAUSE_SECONDS = 600.0
"""Time for jobs to save and pause."""
ANOTHER_HOLDS_THE_HOME = 3
_LOG_TAIL = 2_000


HumanOnly = Annotated[T, Field(exclude=True)]
"""Shown to people, left out of `ftui engine status --json`."""


class EngineJob(BaseModel):
    """A job in the engine's status; memory in bytes."""

    id: str
    status: str
    worker_pid: int | None = None
    step: HumanOnly[int] = 0
    total_steps: HumanOnly[int | None] = None
    trains_on: HumanOnly[str | None] = None
    memory: HumanOnly[int | None] = None


class AnsweringProcess(BaseModel):
    """The process that answers chat requests; memory in bytes."""

    pid: int
    memory: int | None = None


class EngineStatus(BaseModel):
    """The status of the engine, as printed by `ftui engine status --json`."""

    running: bool
    pid: int | None = None
    socket: str | None = None
    url: str | None = None
    token_file: str | None = None
    home: str | None = None
    jobs: list[EngineJob] = []
    memory: HumanOnly[int | None] = None
    """Of the server, in bytes."""
    answering: HumanOnly[AnsweringProcess | None] = None


class EngineProcess:
    """The one engine of a home folder."""

    def __init__(self, settings: Settings, *, extra: Sequence[str] = EXTRA) -> None:
        """Describe the engine without starting it.

        Args:
            settings: its home and its socket.
            extra: the packages it needs; searched for, never imported.
        """
        self.home = settings.home.absolute()
        self.socket = settings.socket
        self._max_running = settings.max_running
        self._gpus = settings.gpus
        self._extra = tuple(extra)
        self._starting = asyncio.Lock()
        self._child: subprocess.Popen[bytes] | None = None

    def missing(self) -> list[str]:
        """The packages of the extra `local` that are not installed."""
        return [name for name in self._extra if importlib.util.find_spec(name) is None]

    def require_extra(self) -> None:
        """Require the extra `local`.

        Raises:
            EngineMissing: it is not installed; the remedy is the command that installs it.
        """
        missing = self.missing()
        if missing:
            raise EngineMissing(
                f"Training on this machine needs the extra `local` ({', '.join(missing)} missing).",
                f"Install it with: {INSTALL_LOCAL}",
            )

    async def status(self) -> EngineStatus:
        """Fetch the engine's status without starting it.

        Raises:
            EngineUnavailable: another program answers on the socket.
        """
        body = await self._request("GET", "/engine/status", seconds=5.0)
        if body is None:
            return EngineStatus(running=False, home=str(self.home))
        try:
            return EngineStatus.model_validate(body)
        except ValidationError as error:
            raise self._not_the_engine() from error

    async def ensure_running(self) -> EngineStatus:
        """Start the engine unless it runs; return its status.

        Raises:
            EngineMissing: the extra `local` is not installed.
            EngineUnavailable: it could not be started; the message has the end of its log.
        """
        async with self._starting:
            status = await self.status()
            return status if status.running else await self._start()

    async def start(self, port: int | None = None, host: str = LOOPBACK) -> EngineStatus:
        """Start the engine detached, also on TCP if a port is given.

        Raises:
            EngineMissing: the extra `local` is not installed.
            EngineUnavailable: it could not be started, or already runs without that port.
        """
        async with self._starting:
            status = await self.status()
            if not status.running:
                return await self._start(port, host)
        if port is not None and urlsplit(status.url or "").port != port:
            raise EngineUnavailable(
                f"The engine is already running (process {status.pid}), not on port {port}.",
                "Stop it with `ftui engine stop` first; training continues.",
            )
        return status

    async def stop(self, *, pause: bool = False) -> bool:
        """Stop the engine gracefully; training continues. False if it was not running.

        Args:
            pause: let jobs save and pause first, each after its current step.

        Raises:
            EngineUnavailable: it does not stop.
        """
        if not (await self.status()).running:
            return False
        await self._request("POST", f"/engine/stop?pause={str(pause).lower()}", seconds=10.0)
        deadline = time.monotonic() + (PAUSE_SECONDS if pause else START_SECONDS)
        while time.monotonic() < deadline:
            # A stopping engine may abort a response.
            with contextlib.suppress(EngineUnavailable):
                if not (await self.status()).running:
                    return True
            await asyncio.sleep(0.1)
        raise EngineUnavailable(
            f"The engine was asked to stop but still answers on {self.socket}.",
            f"Its log is {self.log}.",
        )

    async def serve(self, port: int | None = None, host: str = LOOPBACK) -> int:
        """Run the engine in the foreground; return its exit status.

        Raises:
            EngineMissing: the extra `local` is not installed.
            EngineUnavailable: the home folder cannot be created.
        """
        self.require_extra()
        await self._make_home()
        child = await asyncio.create_subprocess_exec(*self._command(port, host), cwd=self.home)
        try:
            return await child.wait()
        except asyncio.CancelledError:
            # Ctrl-C in the terminal reaches the child too; a signal to this process alone does not.
            if child.returncode is None:
                child.terminate()
            await child.wait()
            raise

    @property
    def log(self) -> Path:
        """The log of a detached engine."""
        return self.home / "engine.log"

    def _command(self, port: int | None, host: str = LOOPBACK) -> list[str]:
        command = [sys.executable, "-m", "tui.engine"]
        command += ["--home", str(self.home), "--socket", str(self.socket)]
        command += ["--max-running", str(self._max_running), "--gpus", str(self._gpus)]
        return command if port is None else [*command, "--port", str(port), "--host", host]

    async def _make_home(self) -> None:
        try:
            await asyncio.to_thread(os.makedirs, self.home, mode=0o700, exist_ok=True)
        except OSError as error:
            failure = explain(error, self.home, "write")
            raise EngineUnavailable(failure.message, "Set FTUI_HOME to another folder.") from error

    async def _start(self, port: int | None = None, host: str = LOOPBACK) -> EngineStatus:
        self.require_extra()
        await self._make_home()
        offset = await asyncio.to_thread(self._spawn, port, host)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            status = await self.status()
            if status.running:
                return status
            code = self._child.poll() if self._child else None
            if code not in (None, 0, ANOTHER_HOLDS_THE_HOME):
                break
            await asyncio.sleep(0.1)
        output = await asyncio.to_thread(self._log_since, offset)
        raise EngineUnavailable(
            "The engine could not be started." + (f" Its last output: {output}" if output else ""),
            f"Its log is {self.log}.",
        )

    def _spawn(self, port: int | None, host: str) -> int:
        """Start the detached process; return the size of its log before."""
        try:
            with self.log.open("ab") as log:
                offset = log.tell()
                self._child = subprocess.Popen(
                    self._command(port, host),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self.home,
                    start_new_session=True,
                )
        except OSError as error:
            failure = explain(error, self.log, "write")
            raise EngineUnavailable(failure.message, failure.remedy) from error
        return offset

    def _log_since(self, offset: int) -> str:
        """The last line that was written to the log after an offset."""
        with self.log.open("rb") as log:
            log.seek(max(offset, log.seek(0, os.SEEK_END) - _LOG_TAIL))
            lines = log.read().decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    async def _request(self, method: str, path: str, *, seconds: float) -> Any:
        """Send a request; return its JSON body, None if nothing listens on the socket."""
        try:
            owner = (await asyncio.to_thread(self.socket.lstat)).st_uid
        except OSError:
            return None
        if owner != os.getuid():
            raise self._not_the_engine()
        await asyncio.to_thread(importlib.import_module, "httpx2")
        import httpx2

        async with socket_client(self.socket, seconds) as client:
            try:
                response = await client.request(method, ENGINE_URL + path)
                return response.raise_for_status().json()
            except httpx2.NetworkError:
                return None
            except httpx2.TimeoutException as error:
                raise EngineUnavailable(
                    f"The engine did not answer on {self.socket} within {seconds:.0f} s.",
                    f"Try again in a moment; its log is {self.log}.",
                ) from error
            except (httpx2.HTTPError, ValueError) as error:
                raise self._not_the_engine() from error

    def _not_the_engine(self) -> EngineUnavailable:
        return EngineUnavailable(
            f"A program other than the engine listens on {self.socket}.",
            "Stop that program, or set FTUI_HOME to another folder.",
        )


def _report_unless_cancelled(loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """Report an error of a callback, except one that anyio causes on Unix sockets.

    anyio (4.16) sets the result of a wait for a socket even where the wait was cancelled just
    before; the request has ended by then.
    """
    is_late_result = str(context.get("message")).startswith(
        "Exception in callback Future.set_result"
    )
    if not (is_late_result and isinstance(context.get("exception"), asyncio.InvalidStateError)):
        loop.default_exception_handler(context)


def socket_client(socket: Path, timeout: float = 600.0) -> httpx2.AsyncClient:
    """Create an HTTP client that sends every request to a Unix socket; needs a running loop."""
    import httpx2

    asyncio.get_running_loop().set_exception_handler(_report_unless_cancelled)
    transport = httpx2.AsyncHTTPTransport(uds=str(socket))
    return httpx2.AsyncClient(transport=transport, timeout=httpx2.Timeout(timeout, connect=5.0))
