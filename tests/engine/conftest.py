"""Fixtures of the engine's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from engine.asking import connect
from openai import AsyncOpenAI

from tui.settings import Settings


@pytest.fixture
async def client(engine_settings: Settings) -> AsyncIterator[AsyncOpenAI]:
    async with connect(engine_settings) as made:
        yield made
