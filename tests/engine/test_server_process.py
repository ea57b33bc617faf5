"""The server as a process: the lock on its home, its sockets, its errors at start."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import socket
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI

from tui.engine.api import errors
from tui.services.providers.engine_process import EngineProcess
from tui.settings import Settings


def start(home: Path, path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Start a server that is expected to fail."""
    return subprocess.run(
        [sys.executable, "-m", "tui.engine", "--home", home, "--socket", path, *options],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.long
async def test_the_server_records_its_addresses_and_removes_the_record_at_the_end(
    tmp_path: Path,
) -> None:
    settings = Settings(home=tmp_path / "home")
    engine = EngineProcess(settings)
    status = await engine.start()
    assert status.running
    assert (status.url, status.token_file, status.jobs) == (None, None, [])
    record = json.loads((settings.home / "engine.json").read_text())
    assert set(record) == {"pid", "socket", "url", "token_file", "version"}
    assert record["pid"] == status.pid
    assert stat.S_IMODE(settings.socket.stat().st_mode) == 0o600
    assert stat.S_IMODE(settings.socket.parent.stat().st_mode) == 0o700

    second = start(settings.home, tmp_path / "other.sock")
    assert second.returncode == 3
    assert second.stderr == f"Another engine already runs on the home {settings.home}.\n"

    assert await engine.stop()
    assert not (settings.home / "engine.json").exists()
    assert (await engine.start()).running  # right away, while the other is still shutting down
    assert await engine.stop()
    for _ in range(50):
        await asyncio.sleep(0.1 if settings.socket.exists() else 0)
    assert not settings.socket.exists()


async def test_the_socket_of_a_killed_server_is_replaced(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    settings.socket.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(settings.socket))
    engine = EngineProcess(settings)
    assert (await engine.start()).running
    assert await engine.stop()


@pytest.mark.long
def test_a_failed_start_is_reported_in_one_line(tmp_path: Path, free_port: int) -> None:
    home, path = tmp_path / "home", tmp_path / "s" / "e.sock"
    (tmp_path / "file").write_text("")
    process = start(tmp_path / "file" / "home", path)
    assert (process.returncode, process.stderr.count("\n")) == (2, 1)
    assert "cannot be written" in process.stderr

    path.parent.mkdir(mode=0o700)
    path.write_text("not a socket")
    process = start(home, path)
    assert (process.returncode, process.stderr.count("\n")) == (2, 1)
    assert "not a socket" in process.stderr
    assert path.read_text() == "not a socket"
    path.unlink()

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        process = start(home, path)
    assert (process.returncode, process.stderr.count("\n")) == (2, 1)
    assert "Another program listens" in process.stderr

    process = start(home, tmp_path / ("x" * 120))
    assert (process.returncode, process.stderr.count("\n")) == (2, 1)
    assert "longer than" in process.stderr

    path.unlink()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", free_port))
        listener.listen()
        process = start(home, path, "--port", str(free_port))
    assert (process.returncode, process.stderr.count("\n")) == (2, 1)
    assert "another program uses it" in process.stderr


def test_the_server_never_loads_torch() -> None:
    script = (
        "import sys, tui.engine.__main__, tui.engine.jobs.checking; "
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'trl', 'peft')))"
    )
    environ = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    assert subprocess.run([sys.executable, "-c", script], env=environ, check=False).returncode == 0


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.ENOSPC, "full"), "no_space"),
        (sqlite3.OperationalError("database or disk is full"), "no_space"),
        (OSError(errno.EROFS, "read-only"), "read_only"),
        (sqlite3.OperationalError("attempt to write a readonly database"), "read_only"),
    ],
)
async def test_a_disk_error_is_reported_and_not_retried(error: Exception, code: str) -> None:
    app = FastAPI()
    errors.install(app)

    @app.get("/")
    def fail() -> None:
        raise error

    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://e") as client:
        response = await client.get("/")
    assert (response.status_code, response.json()["error"]["code"]) == (507, code)
    assert response.headers["x-should-retry"] == "false"
