"""Fixtures for commands: an empty home, a test server, and a running engine."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from servers.misbehaving import MisbehavingServer, misbehaving_server
from support.command_line import Run

from tui.cli import main
from tui.settings import Settings


@pytest.fixture(autouse=True)
def empty_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home and no config file, whatever the environment says."""
    home = tmp_path_factory.mktemp("nobody")
    monkeypatch.setenv("FTUI_HOME", str(home))
    monkeypatch.setenv("FTUI_CONFIG", str(home / "config.toml"))
    return home


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command; gives its exit code, the JSON values it printed, and its standard error."""

    def run(*arguments: str) -> tuple[int, list[Any], str]:
        code = main(arguments)
        out, err = capsys.readouterr()
        return code, [json.loads(line) for line in out.splitlines()], err

    return run


@pytest.fixture
def local(engine_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The environment of a user whose engine is running."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FTUI_HOME", str(engine_settings.home))
    monkeypatch.setenv("FTUI_MODEL", engine_settings.model)
    monkeypatch.setenv("FTUI_CONFIG", str(tmp_path / "none.toml"))
    return engine_settings


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MisbehavingServer]:
    """A server in a thread of its own, named `far` in the config file."""
    loop = asyncio.new_event_loop()
    running: list[MisbehavingServer] = []
    started, ended = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with misbehaving_server() as server:
            running.append(server)
            started.set()
            await ended.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    started.wait(10)
    config = tmp_path / "config.toml"
    config.write_text(
        f'provider = "far"\nmodel = "base"\n[providers.far]\nbase_url = "{running[0].url}"\n'
        'api_key_env = "TEST_KEY"\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FTUI_CONFIG", str(config))
    monkeypatch.setenv("FTUI_HOME", str(tmp_path / "home"))
    yield running[0]
    loop.call_soon_threadsafe(ended.set)
    thread.join(10)
    loop.close()
