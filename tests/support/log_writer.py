"""Records a job's events one by one: `python log_writer.py WORKSPACE COUNT`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tui.services.workspace.job_log import JobLog
from tui.services.workspace.workspace import Workspace


async def write(root: Path, count: int) -> None:
    """Add every record that is missing, three at a time."""
    log = JobLog(Workspace(root), "far", "ftjob-1")
    await log.load()
    print("begun", flush=True)  # noqa: T201 - the test waits for this line
    for first in range(0, count, 3):
        records = [
            {"type": "metrics", "id": f"e{n}", "at": float(n), "step": n, "message": "x" * 2000}
            for n in range(first, min(first + 3, count))
        ]
        await log.add(records)


if __name__ == "__main__":
    asyncio.run(write(Path(sys.argv[1]), int(sys.argv[2])))
