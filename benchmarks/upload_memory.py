"""Memory of the engine's server while a large file goes up and down, against its size at rest.

    python benchmarks/upload_memory.py [MEGABYTES]

Up whole, up in parts, and down, each with OpenAI's client over the Unix socket. Budget: 16 MB,
whatever the size of the file. Reads /proc, so it runs on Linux alone.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from openai import AsyncOpenAI

from tui.services.providers.engine_process import ENGINE_URL, EngineProcess, socket_client
from tui.settings import Settings

MEGABYTE = 1_048_576
BUDGET = 16


def peak(pid: int) -> float:
    """Most resident memory since the mark was set back, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def set_mark_back(pid: int) -> None:
    """Let the peak begin again at what is resident now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


async def measured(label: str, pid: int, size: int, run: Callable[[], Awaitable[str]]) -> str:
    """Run something and print by how much the server grew at most."""
    set_mark_back(pid)
    before, began = peak(pid), time.perf_counter()
    result = await run()
    seconds = time.perf_counter() - began
    grown = peak(pid) - before
    print(
        f"{label}: {size} MB in {seconds:.1f} s ({size / seconds:.0f} MB/s), "
        f"server {before:.0f} MB + {grown:.1f} MB at most (budget {BUDGET})"
    )
    return result


async def measure(settings: Settings, path: Path, size: int) -> None:
    """Send the file up and down."""
    engine = EngineProcess(settings)
    pid = (await engine.start()).pid
    assert pid is not None
    http = socket_client(settings.socket)
    async with AsyncOpenAI(base_url=f"{ENGINE_URL}/v1", api_key="x", http_client=http) as client:

        async def send_whole() -> str:
            with path.open("rb") as rows:
                return (await client.files.create(file=rows, purpose="user_data")).id

        async def in_parts() -> str:
            upload = await client.uploads.upload_file_chunked(
                file=path, mime_type="text/jsonl", purpose="user_data"
            )
            assert upload.file is not None
            return upload.file.id

        async def down() -> str:
            async with client.files.with_streaming_response.content(file_id) as content:
                sizes = [len(chunk) async for chunk in content.iter_bytes(MEGABYTE)]
            assert sum(sizes) == size * MEGABYTE
            return file_id

        await client.files.create(file=("small", b"x" * 2 * MEGABYTE), purpose="user_data")
        file_id = await measured("up, whole", pid, size, send_whole)
        await measured("up, in parts", pid, size, in_parts)
        await measured("down", pid, size, down)
    await engine.stop()


def main() -> None:
    """Measure and print."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 320
    with tempfile.TemporaryDirectory(prefix="ftui-") as folder:
        path = Path(folder) / "large.jsonl"
        with path.open("wb") as rows:
            for _ in range(size):
                rows.write(b'{"x": 1}' * (MEGABYTE // 8))
        asyncio.run(measure(Settings(home=Path(folder) / "home"), path, size))


if __name__ == "__main__":
    main()
