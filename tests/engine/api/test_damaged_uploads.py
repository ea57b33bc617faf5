"""Interrupted uploads and files that are no training data: clear errors, no partial files."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

from openai import AsyncOpenAI
from support.engine.client import finished, start_job, until, upload

from tui.settings import Settings

_HEAD = (
    b"POST /v1/files HTTP/1.1\r\nHost: engine\r\nContent-Length: 5000000\r\n"
    b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
    b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nfine-tune\r\n'
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n'
)


async def test_an_interrupted_upload_leaves_no_file(
    client: AsyncOpenAI, engine_settings: Settings
) -> None:
    before = [file.id async for file in client.files.list()]
    _, writer = await asyncio.open_unix_connection(engine_settings.socket)
    writer.write(_HEAD + b"x" * 2_000_000)
    await writer.drain()
    writer.close()
    await writer.wait_closed()

    async def scratch_is_empty() -> bool:
        return not any((engine_settings.home / "scratch").iterdir())

    await until(scratch_is_empty)
    assert [file.id async for file in client.files.list()] == before


async def test_a_file_of_random_bytes_fails_the_job_with_a_line(
    client: AsyncOpenAI, engine_settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "random.jsonl"
    path.write_bytes(random.Random(0).randbytes(50_000))
    failed = await finished(client, (await start_job(client, engine_settings, path)).id)
    assert failed.status == "failed"
    assert failed.error is not None
    assert failed.error.code == "invalid_training_file"
    assert failed.error.message.startswith("Line 1: ")


async def test_a_file_damaged_on_the_disk_is_not_trained_on(
    client: AsyncOpenAI, engine_settings: Settings, chat_file: Callable[..., Path]
) -> None:
    file_id = await upload(client, chat_file())
    path = engine_settings.home / "files" / file_id
    path.write_bytes(path.read_bytes().replace(b"user", b"User", 1))
    job = await client.fine_tuning.jobs.create(model=engine_settings.model, training_file=file_id)
    failed = await finished(client, job.id)
    assert failed.error is not None
    assert (failed.error.code, failed.error.param) == ("file_damaged", "training_file")
    assert "Upload it again" in failed.error.message
