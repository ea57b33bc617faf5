"""A program that keeps a job's records one by one: `python log_writer.py LOG COUNT`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tui.services.workspace.job_history import JobHistory


async def write(path: Path, count: int) -> None:
    """Add every record that is not there yet, three at a time."""
    history = JobHistory("far", "ftjob-1", path)
    async for _ in history.read():
        pass
    print("begun", flush=True)  # noqa: T201 - whom the test waits for
    for first in range(0, count, 3):
        records = [
            {"type": "metrics", "id": f"e{n}", "at": float(n), "step": n, "message": "x" * 2000}
            for n in range(first, min(first + 3, count))
        ]
        await history.add(records)


if __name__ == "__main__":
    asyncio.run(write(Path(sys.argv[1]), int(sys.argv[2])))
