"""The server as a process: its claim on a home, its sockets, its token."""

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


def start(home: Path, path: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Start a server that is expected to give up."""
    return subprocess.run(
        [sys.executable, "-m", "tui.engine", "--home", home, "--socket", path, *more],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.long
async def test_it_says_where_it_is_reached_and_takes_it_back_at_the_end(tmp_path: Path) -> None:
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

    again = start(settings.home, tmp_path / "other.sock")
    assert again.returncode == 3
    assert again.stderr == f"Another engine already runs on the home {settings.home}.\n"

    assert await engine.stop()
    assert not (settings.home / "engine.json").exists()
    assert (await engine.start()).running  # right away, while the other is still on its way out
    assert await engine.stop()
    for _ in range(50):
        await asyncio.sleep(0.1 if settings.socket.exists() else 0)
    assert not settings.socket.exists()


async def test_the_socket_of_a_killed_server_is_replaced(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    settings.socket.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(settings.socket))
    engine = EngineProcess(settings)
    assert (await engine.start()).running
    assert await engine.stop()


@pytest.mark.long
def test_what_is_in_the_way_is_said_in_one_sentence(tmp_path: Path, free_port: int) -> None:
    home, path = tmp_path / "home", tmp_path / "s" / "e.sock"
    (tmp_path / "file").write_text("")
    said = start(tmp_path / "file" / "home", path)
    assert (said.returncode, said.stderr.count("\n")) == (2, 1)
    assert "cannot be written" in said.stderr

    path.parent.mkdir(mode=0o700)
    path.write_text("not a socket")
    said = start(home, path)
    assert (said.returncode, said.stderr.count("\n")) == (2, 1)
    assert "not a socket" in said.stderr
    assert path.read_text() == "not a socket"
    path.unlink()

    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        said = start(home, path)
    assert (said.returncode, said.stderr.count("\n")) == (2, 1)
    assert "Another program listens" in said.stderr

    said = start(home, tmp_path / ("x" * 120))
    assert (said.returncode, said.stderr.count("\n")) == (2, 1)
    assert "longer than" in said.stderr

    path.unlink()
    with socket.socket() as other:
        other.bind(("127.0.0.1", free_port))
        other.listen()
        said = start(home, path, "--port", str(free_port))
    assert (said.returncode, said.stderr.count("\n")) == (2, 1)
    assert "another program uses it" in said.stderr


def test_the_server_never_loads_torch() -> None:
    script = (
        "import sys, tui.engine.__main__, tui.engine.jobs.checking; "
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'trl', 'peft')))"
    )
    environ = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    assert subprocess.run([sys.executable, "-c", script], env=environ, check=False).returncode == 0


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        (OSError(errno.ENOSPC, "full"), "no_space"),
        (sqlite3.OperationalError("database or disk is full"), "no_space"),
        (OSError(errno.EROFS, "read-only"), "read_only"),
        (sqlite3.OperationalError("attempt to write a readonly database"), "read_only"),
    ],
)
async def test_a_disk_that_takes_nothing_is_said_and_not_tried_again(
    trouble: Exception, code: str
) -> None:
    app = FastAPI()
    errors.install(app)

    @app.get("/")
    def fails() -> None:
        raise trouble

    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://e") as client:
        answer = await client.get("/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (507, code)
    assert answer.headers["x-should-retry"] == "false"
