"""Uploads that break off, files that are no training data: told plainly, nothing half is kept."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from engine.asking import finished, start_job, until
from openai import AsyncOpenAI

from tui.settings import Settings

_HEAD = (
    b"POST /v1/files HTTP/1.1\r\nHost: engine\r\nContent-Length: 5000000\r\n"
    b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
    b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nfine-tune\r\n'
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n'
)


async def test_an_upload_that_breaks_off_leaves_no_file(
    client: AsyncOpenAI, engine_settings: Settings
) -> None:
    before = [file.id async for file in client.files.list()]
    _, writer = await asyncio.open_unix_connection(engine_settings.socket)
    writer.write(_HEAD + b"x" * 2_000_000)
    await writer.drain()
    writer.close()
    await writer.wait_closed()

    async def nothing_is_left() -> bool:
        return not any((engine_settings.home / "scratch").iterdir())

    await until(nothing_is_left)
    assert [file.id async for file in client.files.list()] == before


async def test_a_file_of_random_bytes_fails_the_job_and_says_where(
    client: AsyncOpenAI, engine_settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "random.jsonl"
    path.write_bytes(random.Random(0).randbytes(50_000))
    failed = await finished(client, (await start_job(client, engine_settings, path)).id)
    assert failed.status == "failed"
    assert failed.error is not None
    assert failed.error.code == "invalid_training_file"
    assert failed.error.message.startswith("Line 1: ")
