"""The embedded engine as a process: is it there, start it detached, wait until it answers, stop it.

The engine is never imported here: it is a program of its own (`python -m tui.engine`) that outlives
whoever started it, and is spoken to over its Unix socket.
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

from tui.services.errors import EngineMissing, EngineUnavailable
from tui.services.workspace.files import explain
from tui.settings import Settings

if TYPE_CHECKING:
    import httpx2

T = TypeVar("T")
INSTALL = 'pip install "fine-tui[local]"'
EXTRA = ("torch", "transformers", "trl", "peft", "llguidance", "fastapi", "uvicorn")
"""Packages of the extra `local` without which this machine cannot train or answer."""

LOOPBACK = "127.0.0.1"
ENGINE_URL = "http://engine"
"""Base address behind the socket; the host's name is never looked up."""

START_SECONDS = 30.0
PAUSE_SECONDS = 600.0
"""How long jobs may take until they have saved and paused."""
ANOTHER_HOLDS_THE_HOME = 3
_LOG_TAIL = 2_000


Told = Annotated[T, Field(exclude=True)]
"""Told to people; `ftui engine status --json` keeps to its contract."""


class EngineJob(BaseModel):
    """A job as the engine's status names it; memory in bytes."""

    id: str
    status: str
    worker_pid: int | None = None
    step: Told[int] = 0
    total_steps: Told[int | None] = None
    trains_on: Told[str | None] = None
    memory: Told[int | None] = None


class AnsweringProcess(BaseModel):
    """The process that answers chat requests; memory in bytes."""

    pid: int
    memory: int | None = None


class EngineStatus(BaseModel):
    """How the engine stands; `ftui engine status --json` prints what is not only told to people."""

    running: bool
    pid: int | None = None
    socket: str | None = None
    url: str | None = None
    token_file: str | None = None
    home: str | None = None
    jobs: list[EngineJob] = []
    memory: Told[int | None] = None
    """Of the server itself, in bytes."""
    answering: Told[AnsweringProcess | None] = None


class EngineProcess:
    """The one engine of a home folder."""

    def __init__(self, settings: Settings, *, extra: Sequence[str] = EXTRA) -> None:
        """Name the engine; nothing is started.

        Args:
            settings: where its home and its socket are.
            extra: packages that it needs; looked for, never imported.
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
        """Make sure that this machine can train.

        Raises:
            EngineMissing: it cannot; the remedy is the line that installs the extra.
        """
        missing = self.missing()
        if missing:
            raise EngineMissing(
                f"Training on this machine needs the extra `local` ({', '.join(missing)} missing).",
                f"Install it with: {INSTALL}",
            )

    async def status(self) -> EngineStatus:
        """Ask the engine how it stands; nothing is started.

        Raises:
            EngineUnavailable: something answers on the socket, but not as the engine does.
        """
        body = await self._ask("GET", "/engine/status", seconds=5.0)
        if body is None:
            return EngineStatus(running=False, home=str(self.home))
        try:
            return EngineStatus.model_validate(body)
        except ValidationError as error:
            raise self._not_the_engine() from error

    async def ensure_running(self) -> EngineStatus:
        """The engine's status; it is started first where it does not run.

        Raises:
            EngineMissing: the extra `local` is not installed.
            EngineUnavailable: it could not be started; the message says how its log ends.
        """
        async with self._starting:
            status = await self.status()
            return status if status.running else await self._start()

    async def start(self, port: int | None = None, host: str = LOOPBACK) -> EngineStatus:
        """Start the engine detached, with TCP on that port and address where a port is given.

        Raises:
            EngineMissing: the extra `local` is not installed.
            EngineUnavailable: it could not be started, or runs already without that port.
        """
        async with self._starting:
            status = await self.status()
            if not status.running:
                return await self._start(port, host)
        if port is not None and urlsplit(status.url or "").port != port:
            raise EngineUnavailable(
                f"The engine runs already (process {status.pid}), and not on port {port}.",
                "End it with `ftui engine stop` first; training goes on meanwhile.",
            )
        return status

    async def stop(self, *, pause: bool = False) -> bool:
        """End the engine gracefully; whatever trains goes on. False where none was running.

        Args:
            pause: let what trains save and pause first, each after the step it is at.

        Raises:
            EngineUnavailable: it does not end.
        """
        if not (await self.status()).running:
            return False
        await self._ask("POST", f"/engine/stop?pause={str(pause).lower()}", seconds=10.0)
        deadline = time.monotonic() + (PAUSE_SECONDS if pause else START_SECONDS)
        while time.monotonic() < deadline:
            # While it ends, it may break off an answer.
            with contextlib.suppress(EngineUnavailable):
                if not (await self.status()).running:
                    return True
            await asyncio.sleep(0.1)
        raise EngineUnavailable(
            f"The engine was asked to stop and still answers on {self.socket}.",
            f"Its log is {self.log}.",
        )

    async def serve(self, port: int | None = None, host: str = LOOPBACK) -> int:
        """Run the engine in the foreground until it ends; gives its exit status.

        Raises:
            EngineMissing: the extra `local` is not installed.
            EngineUnavailable: the home folder cannot be made.
        """
        self.require_extra()
        await self._make_home()
        child = await asyncio.create_subprocess_exec(*self._command(port, host), cwd=self.home)
        try:
            return await child.wait()
        except asyncio.CancelledError:
            # Ctrl-C reaches the child from the terminal too; a lone kill of ours does not.
            if child.returncode is None:
                child.terminate()
            await child.wait()
            raise

    @property
    def log(self) -> Path:
        """Where a detached engine writes what it has to say."""
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
            said = explain(error, self.home, "write")
            raise EngineUnavailable(said.message, "Set FTUI_HOME to another folder.") from error

    async def _start(self, port: int | None = None, host: str = LOOPBACK) -> EngineStatus:
        self.require_extra()
        await self._make_home()
        begin = await asyncio.to_thread(self._spawn, port, host)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            status = await self.status()
            if status.running:
                return status
            code = self._child.poll() if self._child else None
            if code not in (None, 0, ANOTHER_HOLDS_THE_HOME):
                break
            await asyncio.sleep(0.1)
        said = await asyncio.to_thread(self._log_since, begin)
        raise EngineUnavailable(
            "The engine could not be started." + (f" It said: {said}" if said else ""),
            f"Its log is {self.log}.",
        )

    def _spawn(self, port: int | None, host: str) -> int:
        """Start the detached process; gives the size its log had."""
        try:
            with self.log.open("ab") as log:
                begin = log.tell()
                self._child = subprocess.Popen(
                    self._command(port, host),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self.home,
                    start_new_session=True,
                )
        except OSError as error:
            said = explain(error, self.log, "write")
            raise EngineUnavailable(said.message, said.remedy) from error
        return begin

    def _log_since(self, begin: int) -> str:
        """The last line of what the log got since then."""
        with self.log.open("rb") as log:
            log.seek(max(begin, log.seek(0, os.SEEK_END) - _LOG_TAIL))
            lines = log.read().decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    async def _ask(self, method: str, path: str, *, seconds: float) -> Any:
        """The JSON body of an answer; None where nothing listens on the socket."""
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
                answer = await client.request(method, ENGINE_URL + path)
                return answer.raise_for_status().json()
            except httpx2.NetworkError:
                return None
            except httpx2.TimeoutException as error:
                raise EngineUnavailable(
                    f"The engine does not answer on {self.socket} within {seconds:.0f} s.",
                    f"Try again in a moment; its log is {self.log}.",
                ) from error
            except (httpx2.HTTPError, ValueError) as error:
                raise self._not_the_engine() from error

    def _not_the_engine(self) -> EngineUnavailable:
        return EngineUnavailable(
            f"What listens on {self.socket} does not answer as the engine does.",
            "End that program, or set FTUI_HOME to another folder.",
        )


def socket_client(socket: Path, timeout: float = 600.0) -> httpx2.AsyncClient:
    """An HTTP client whose every request goes to that Unix socket."""
    import httpx2

    transport = httpx2.AsyncHTTPTransport(uds=str(socket))
    return httpx2.AsyncClient(transport=transport, timeout=httpx2.Timeout(timeout, connect=5.0))
