"""An engine whose home is a disk of its own: a small one that can be filled, or a read-only one.

The disk is a tmpfs in a mount namespace of the server; it is gone with it.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path

from openai import AsyncOpenAI
from support.engine.client import connect, until

from tui.engine.home import Home, JobFolder
from tui.services.providers.engine_process import EngineProcess
from tui.settings import Settings

_IN_NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount"]
_SERVE = 'mount -t tmpfs -o "$1" none "$2" && exec "$3" -m tui.engine --home "$2" --socket "$4"'


def serving(settings: Settings, options: str) -> list[str]:
    """The command that serves on a disk that is mounted with those options."""
    settings.home.mkdir(parents=True)
    arguments = [options, str(settings.home), sys.executable, str(settings.socket)]
    return [*_IN_NAMESPACE, "sh", "-c", _SERVE, "sh", *arguments]


def can_be_made() -> bool:
    """Whether this machine lets a user mount something of their own."""
    if shutil.which("unshare") is None:
        return False
    tried = [*_IN_NAMESPACE, "mount", "-t", "tmpfs", "none", "/tmp"]
    return subprocess.run(tried, capture_output=True, check=False).returncode == 0


class SmallDisk:
    """The engine and its disk."""

    def __init__(self, settings: Settings, log: Path, *, megabytes: int) -> None:
        self.settings = settings
        command = serving(settings, f"size={megabytes}m")
        with log.open("wb") as said:
            self._server = subprocess.Popen(command, stdout=said, stderr=said)

    @property
    def home(self) -> Path:
        """The home as the server sees it."""
        return Path(f"/proc/{self._server.pid}/root{self.settings.home}")

    def job(self, job_id: str) -> JobFolder:
        """The folder of a job."""
        return Home(self.home).job(job_id)

    async def client(self) -> AsyncOpenAI:
        """A client, once the server answers."""

        async def answers() -> bool:
            return (await EngineProcess(self.settings).status()).running

        await until(answers)
        return connect(self.settings)

    def fill(self) -> None:
        """Leave no space at all."""
        with (self.home / "filler").open("wb", buffering=0) as filler:
            for size in (1_048_576, 4096, 1):
                try:
                    while filler.write(b"\0" * size):
                        pass
                except OSError:
                    continue

    def free(self) -> None:
        """Give the space back."""
        (self.home / "filler").unlink()

    async def end(self) -> None:
        """End the server, and the disk with it."""
        self._server.terminate()
        await asyncio.to_thread(self._server.wait, 20)
