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
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import openai
import pytest
from fastapi import FastAPI
from openai import AsyncOpenAI

from tui.engine import errors
from tui.services.engine_process import EngineProcess, EngineStatus
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


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
async def served(tmp_path: Path, free_port: int) -> AsyncIterator[tuple[Settings, EngineStatus]]:
    """An engine that serves on TCP too."""
    settings = Settings(home=tmp_path / "home")
    engine = EngineProcess(settings)
    status = await engine.start(free_port)
    yield settings, status
    await engine.stop()


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


async def test_tcp_needs_the_token_and_a_known_host(
    served: tuple[Settings, EngineStatus], tiny_model: Path
) -> None:
    _, status = served
    assert status.url is not None
    assert status.token_file is not None
    token_file = Path(status.token_file)
    assert stat.S_IMODE(token_file.stat().st_mode) == 0o600
    token = token_file.read_text().strip()
    async with AsyncOpenAI(base_url=status.url, api_key=token) as client:
        assert (await client.models.list()).data
        # Only who owns the socket may name folders of this machine.
        with pytest.raises(openai.NotFoundError):
            await client.models.retrieve(str(tiny_model))
    async with AsyncOpenAI(base_url=status.url, api_key=token[:-1] + "?") as client:
        with pytest.raises(openai.AuthenticationError) as refused:
            await client.models.list()
    assert refused.value.code == "invalid_api_key"
    assert token not in str(refused.value)

    async with httpx2.AsyncClient() as plain:
        for path in ("/v1/models", "/engine/status", "/engine/stop", "/openapi.json"):
            method = "POST" if path.endswith("stop") else "GET"
            url = status.url.removesuffix("/v1") + path
            assert (await plain.request(method, url)).status_code == 401
        bearer = {"Authorization": f"Bearer {token}"}
        rebound = await plain.get(status.url + "/models", headers=bearer | {"Host": "evil.test"})
        assert rebound.status_code == 403


async def test_a_request_that_is_too_large_is_ended(
    served: tuple[Settings, EngineStatus],
) -> None:
    settings, _ = served
    transport = httpx2.AsyncHTTPTransport(uds=str(settings.socket))

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 1_048_576
            await asyncio.sleep(0)

    async with httpx2.AsyncClient(transport=transport, timeout=20) as client:
        answer = await client.post("http://e/v1/chat/completions", content=endless())
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too_large"


def test_the_server_never_loads_torch() -> None:
    script = (
        "import sys, tui.engine.__main__, tui.engine.checking; "
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'trl', 'peft')))"
    )
    environ = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    assert subprocess.run([sys.executable, "-c", script], env=environ, check=False).returncode == 0


@pytest.mark.parametrize(
    "trouble", [OSError(errno.ENOSPC, "full"), sqlite3.OperationalError("database or disk is full")]
)
async def test_a_full_disk_is_said_and_not_tried_again(trouble: Exception) -> None:
    app = FastAPI()
    errors.install(app)

    @app.get("/")
    def fails() -> None:
        raise trouble

    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://e") as client:
        answer = await client.get("/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (507, "no_space")
    assert answer.headers["x-should-retry"] == "false"
