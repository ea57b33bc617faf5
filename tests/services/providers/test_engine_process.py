"""The engine's process: started on demand, shared and stopped; every failure is one sentence."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tui.services.container import Services
from tui.services.errors import EngineMissing, EngineUnavailable
from tui.services.providers.engine_process import EngineProcess, socket_client
from tui.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", workspace=tmp_path / ".ftui")


@pytest.fixture
async def engine(settings: Settings) -> AsyncIterator[EngineProcess]:
    engine = EngineProcess(settings)
    yield engine
    if settings.socket.is_socket():
        await engine.stop()


async def test_the_status_of_a_stopped_engine_leaves_no_trace(
    engine: EngineProcess, settings: Settings
) -> None:
    assert not (await engine.status()).running
    assert not settings.home.exists()
    assert not await engine.stop()


async def test_the_engine_is_started_once_shared_and_stopped(
    engine: EngineProcess, settings: Settings
) -> None:
    first, second = await asyncio.gather(
        engine.ensure_running(), EngineProcess(settings).ensure_running()
    )
    assert first.running
    assert first.pid == second.pid
    assert first.pid is not None
    assert os.getsid(first.pid) != os.getsid(0)
    services = Services(settings)
    client = await services.providers.client("local")
    assert (await client.fine_tuning.jobs.list()).data == []
    await services.providers.close()
    assert await engine.stop()
    assert not (await engine.status()).running


async def test_a_missing_extra_gives_the_install_line(settings: Settings) -> None:
    engine = EngineProcess(settings, extra=["not_there_at_all"])
    with pytest.raises(EngineMissing, match=r'pip install "fine-tui\[local\]"'):
        await engine.ensure_running()


async def test_an_unwritable_home_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    engine = EngineProcess(Settings(home=tmp_path / "file" / "home"))
    with pytest.raises(EngineUnavailable, match="FTUI_HOME"):
        await engine.ensure_running()


async def test_a_port_in_use_is_reported_with_the_engines_output(engine: EngineProcess) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(EngineUnavailable, match=str(port)):
            await engine.start(port)


async def test_another_program_on_the_socket_is_not_taken_for_the_engine(
    engine: EngineProcess, settings: Settings
) -> None:
    async def answer_as_mail_server(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.readline()
        writer.write(b"220 mail.example ESMTP\r\n")
        writer.close()

    settings.socket.parent.mkdir(parents=True)
    async with await asyncio.start_unix_server(answer_as_mail_server, settings.socket):
        with pytest.raises(EngineUnavailable, match="A program other than the engine"):
            await engine.status()
    settings.socket.unlink()


def test_the_engine_runs_under_the_same_python(engine: EngineProcess) -> None:
    assert engine._command(None)[:3] == [sys.executable, "-m", "tui.engine"]


async def test_a_request_cancelled_while_its_answer_arrives_reports_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    connections: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        connections.put_nowait(writer)

    path = tmp_path / "engine.sock"
    loop = asyncio.get_running_loop()
    async with await asyncio.start_unix_server(accept, path), socket_client(path) as client:
        request = asyncio.create_task(client.get("http://engine/"))
        connection = await connections.get()
        connection.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        loop.call_soon(request.cancel)  # runs just before the answer is read
        with pytest.raises(asyncio.CancelledError):
            await request
        connection.close()
    assert not caplog.records


async def test_other_errors_of_callbacks_are_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise asyncio.InvalidStateError

    async with socket_client(tmp_path / "engine.sock"):
        asyncio.get_running_loop().call_soon(fail)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
