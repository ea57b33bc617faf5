"""The inference process, and what happens to requests when it dies."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest
from openai import APIError, AsyncOpenAI

from tui.domain.providers.model_names import ModelSource, SourceKind
from tui.engine.answering.process import _Process
from tui.engine.answering.protocol import (
    COMMAND,
    Cancel,
    Command,
    Delta,
    GenerationRequest,
    encode_line,
)
from tui.services.providers.engine_process import EngineProcess
from tui.settings import Settings

MESSAGES: Any = [{"role": "user", "content": "What is 2 plus 2?"}]


def inference_processes(server: int) -> list[int]:
    """The server's children that run inference."""
    pids = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
            command = (stat.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if int(fields[1]) == server and b"tui.engine.answering.inference" in command:
            pids.append(int(stat.parent.name))
    return pids


async def inference_process(settings: Settings) -> int:
    status = await EngineProcess(settings).status()
    assert status.pid is not None
    (pid,) = inference_processes(status.pid)
    return pid


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for a process in /proc")
async def test_a_killed_process_is_replaced_and_only_a_stream_in_progress_ends_with_an_error(
    client: AsyncOpenAI, engine_settings: Settings
) -> None:
    options: Any = {"model": engine_settings.model, "messages": MESSAGES, "temperature": 0}

    async def complete(**more: Any) -> list[str | None]:
        completion = await client.chat.completions.create(**options, max_tokens=40, **more)
        return [choice.message.content for choice in completion.choices]

    before = await complete()
    pid = await inference_process(engine_settings)
    long = options | {"max_tokens": 450, "logit_bias": {"2": -100}, "stream": True}
    stream = aiter(await client.chat.completions.create(**long))
    await anext(stream)
    tasks = [asyncio.create_task(complete(n=n)) for n in (1, 2, 8)]
    await asyncio.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    tasks += [asyncio.create_task(complete()) for _ in range(3)]
    for texts in await asyncio.gather(*tasks):
        assert set(texts) == set(before)
    with pytest.raises(APIError, match="was killed") as raised:
        async for _ in stream:
            pass
    assert raised.value.code == "answering_ended"
    assert await inference_process(engine_settings) != pid


class RecordingInput:
    """The standard input of a process that never answers."""

    def __init__(self) -> None:
        self.commands: list[Command] = []

    def write(self, line: bytes) -> None:
        self.commands.append(COMMAND.validate_json(line))

    async def drain(self) -> None:
        pass


async def test_an_abandoned_request_is_cancelled_in_the_process() -> None:
    stdin, stdout = RecordingInput(), asyncio.StreamReader()
    process: Any = SimpleNamespace(
        stdin=stdin, stdout=stdout, wait=AsyncMock(return_value=0), returncode=0
    )
    base = ModelSource(kind=SourceKind.FOLDER, name="x")
    request = GenerationRequest(id="r", base=base, messages=MESSAGES)
    inference = _Process(process)
    events = inference.generate(request)
    stdout.feed_data(encode_line(Delta(id="r", index=0, text="It is")))
    assert await anext(events) == Delta(id="r", index=0, text="It is")
    assert not inference.is_idle
    await events.aclose()
    assert stdin.commands == [request, Cancel(id="r")]
    assert inference.is_idle
    stdout.feed_eof()
    await inference.wait()
