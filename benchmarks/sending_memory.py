"""Memory of ftui itself while it sends a large file, whole and in parts, against before.

    python benchmarks/sending_memory.py [MEGABYTES]

To the embedded engine over its socket, as a job does. Budget: 16 MB, whatever the size of the file.
The same file sent again must not be read into the server a second time. Reads /proc, so it runs on
Linux alone.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from upload_memory import BUDGET, MEGABYTE, peak, set_mark_back

from tui.services.clock import Clock
from tui.services.container import Services
from tui.services.submission.uploading import Uploader
from tui.settings import Settings


async def send(services: Services, label: str, path: Path, size: int, max_whole_bytes: int) -> None:
    """Send the file and print by how much this process grew at most."""
    uploader = Uploader(
        services.providers, services.workspace, Clock(), "local", max_whole_bytes=max_whole_bytes
    )
    set_mark_back(os.getpid())
    before, began = peak(os.getpid()), time.perf_counter()
    await uploader.send(path)
    seconds = time.perf_counter() - began
    grown = peak(os.getpid()) - before
    print(
        f"{label}: {size} MB in {seconds:.1f} s ({size / seconds:.0f} MB/s), "
        f"ftui {before:.0f} MB + {grown:.1f} MB at most (budget {BUDGET})"
    )


async def measure(services: Services, folder: Path, size: int) -> None:
    """Send files of that size in each way."""
    small, whole_file, parts = (folder / f"{name}.jsonl" for name in ("small", "whole", "parts"))
    small.write_bytes(b'{"x": 1}\n' * 1000)
    for path in (whole_file, parts):
        with path.open("wb") as rows:
            rows.write(path.name.encode())
            for _ in range(size):
                rows.write(b'{"x": 1}' * (MEGABYTE // 8))
    await send(services, "the first of all", small, 0, MEGABYTE)
    await send(services, "whole", whole_file, size, 1 << 40)
    await send(services, "in parts", parts, size, MEGABYTE)
    await send(services, "again", parts, size, MEGABYTE)
    await services.providers.close()
    await services.engine.stop()


def main() -> None:
    """Measure and print."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 320
    with tempfile.TemporaryDirectory(prefix="ftui-") as name:
        folder = Path(name)
        settings = Settings(home=folder / "home", workspace=folder / ".ftui")
        asyncio.run(measure(Services(settings), folder, size))


if __name__ == "__main__":
    main()
