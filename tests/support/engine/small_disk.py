"""An engine whose home is on its own disk: a small one that can be filled, or a read-only one.

The disk is a tmpfs in the server's mount namespace, and disappears with it.
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


def serve_command(settings: Settings, options: str) -> list[str]:
    """The command that serves on a disk mounted with those options."""
    settings.home.mkdir(parents=True)
    arguments = [options, str(settings.home), sys.executable, str(settings.socket)]
    return [*_IN_NAMESPACE, "sh", "-c", _SERVE, "sh", *arguments]


def can_mount() -> bool:
    """Whether this machine allows unprivileged mounts."""
    if shutil.which("unshare") is None:
        return False
    command = [*_IN_NAMESPACE, "mount", "-t", "tmpfs", "none", "/tmp"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


class SmallDisk:
    """The engine and its disk."""

    def __init__(self, settings: Settings, log: Path, *, megabytes: int) -> None:
        self.settings = settings
        command = serve_command(settings, f"size={megabytes}m")
        with log.open("wb") as output:
            self._server = subprocess.Popen(command, stdout=output, stderr=output)

    @property
    def home(self) -> Path:
        """The home as the server sees it."""
        return Path(f"/proc/{self._server.pid}/root{self.settings.home}")

    def job(self, job_id: str) -> JobFolder:
        """The folder of a job."""
        return Home(self.home).job(job_id)

    async def client(self) -> AsyncOpenAI:
        """A client, once the server responds."""

        async def is_running() -> bool:
            return (await EngineProcess(self.settings).status()).running

        await until(is_running)
        return connect(self.settings)

    def fill(self) -> None:
        """Fill the disk completely."""
        with (self.home / "filler").open("wb", buffering=0) as filler:
            for size in (1_048_576, 4096, 1):
                try:
                    while filler.write(b"\0" * size):
                        pass
                except OSError:
                    continue

    def free(self) -> None:
        """Free the space again."""
        (self.home / "filler").unlink()

    async def end(self) -> None:
        """Stop the server, and with it the disk."""
        self._server.terminate()
        await asyncio.to_thread(self._server.wait, 20)
