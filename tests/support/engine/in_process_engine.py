"""The engine's routes in the test's own process, with a real store and disk and a fake clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import httpx2
from fastapi import FastAPI
from openai import AsyncOpenAI

from tui.engine.answering.process import InferenceClient
from tui.engine.api.engine_state import Engine
from tui.engine.api.server import create_app
from tui.engine.home import Home
from tui.engine.jobs.launcher import LocalLauncher
from tui.engine.jobs.store import Store
from tui.engine.jobs.supervisor import Supervisor

TOKEN = "t" * 32


@dataclass
class Clock:
    """A clock that stands still until it is set."""

    seconds: int = 1_800_000_000

    def __call__(self) -> int:
        return self.seconds


@dataclass
class InProcessEngine:
    """An engine whose supervisor does not run: jobs are accepted and never start."""

    root: Path
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.home = Home(self.root)
        for folder in self.home.folders:
            folder.mkdir(parents=True, exist_ok=True)
        self.store = Store(self.home.database)
        self.engine = Engine(
            home=self.home,
            socket=self.root / "socket",
            url=None,
            store=self.store,
            supervisor=Supervisor(self.home, self.store, LocalLauncher()),
            answering=InferenceClient(self.home),
            stop=lambda: None,
            clock=self.clock,
        )
        self.app: FastAPI = create_app(self.engine, token=TOKEN, hosts=None)

    def http(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            transport=httpx2.ASGITransport(self.app),
            base_url="http://engine:8000",
            headers={"Authorization": f"Bearer {TOKEN}"},
        )

    def client(self) -> AsyncOpenAI:
        return AsyncOpenAI(
            base_url="http://engine:8000/v1", api_key=TOKEN, http_client=self.http(), max_retries=0
        )
