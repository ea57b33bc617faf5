"""The answering process: what comes of questions when it dies."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from openai import APIError, AsyncOpenAI

from tui.services.providers.engine_process import EngineProcess
from tui.settings import Settings

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="looks for a process in /proc"
)

QUESTION: Any = [{"role": "user", "content": "What is 2 plus 2?"}]


def answering_processes(server: int) -> list[int]:
    """Children of the server that answer."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
            command = (stat.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if int(fields[1]) == server and b"tui.engine.answering.inference" in command:
            found.append(int(stat.parent.name))
    return found


async def answering_process(settings: Settings) -> int:
    status = await EngineProcess(settings).status()
    assert status.pid is not None
    (pid,) = answering_processes(status.pid)
    return pid


@pytest.mark.long
async def test_killed_it_is_replaced_and_only_streams_that_were_begun_end_with_an_error(
    client: AsyncOpenAI, engine_settings: Settings
) -> None:
    asked: Any = {"model": engine_settings.model, "messages": QUESTION, "temperature": 0}

    async def say(**more: Any) -> list[str | None]:
        answer = await client.chat.completions.create(**asked, max_tokens=40, **more)
        return [choice.message.content for choice in answer.choices]

    before = await say()
    pid = await answering_process(engine_settings)
    long = asked | {"max_tokens": 450, "logit_bias": {"2": -100}, "stream": True}
    stream = aiter(await client.chat.completions.create(**long))
    await anext(stream)
    answers = [asyncio.create_task(say(n=n)) for n in (1, 2, 8)]
    await asyncio.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    answers += [asyncio.create_task(say()) for _ in range(3)]
    for answer in await asyncio.gather(*answers):
        assert set(answer) == set(before)
    with pytest.raises(APIError, match="was killed") as failed:
        async for _ in stream:
            pass
    assert failed.value.code == "answering_ended"
    assert await answering_process(engine_settings) != pid
