"""From the path of a large file to its report: at first, again, and with a new date alone.

    python benchmarks/second_opening.py [ROWS]

Each opening is a process of its own; the report is kept in a workspace. Budget: 2 s for the second,
of 1,000,000 rows; the third has to read the file once to know it again.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

from big_file import ROWS, big_file

from tui.services.datasets.datasets import Datasets
from tui.settings import Settings

SECONDS = 2.0


class Opened(NamedTuple):
    """Seconds until the report was there, rows in it, and the most memory in MB."""

    seconds: float
    rows: int
    memory: float


def opening(path: Path, workspace: Path) -> Opened:
    """Open and check a file."""
    settings = Settings(home=workspace, workspace=workspace)

    async def open_and_check() -> int:
        dataset = await Datasets(settings).open(path)
        async for _ in dataset.check(keep=100):
            pass
        assert dataset.report
        return dataset.report.rows

    began = time.perf_counter()
    rows = asyncio.run(open_and_check())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Opened(time.perf_counter() - began, rows, memory)


def main() -> None:
    """Measure and print."""
    path = big_file(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
    context: Any = get_context("spawn")
    with (
        tempfile.TemporaryDirectory() as workspace,
        ProcessPoolExecutor(1, context, max_tasks_per_child=1) as own,
    ):

        def measure() -> Opened:
            return own.submit(opening, path, Path(workspace)).result()

        first, second = measure(), measure()
        before = path.stat()
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns - 1))
        third = measure()
        report_size = sum(file.stat().st_size for file in Path(workspace).rglob("*.report"))
    assert first.rows == second.rows == third.rows
    verdict = "met" if second.seconds <= SECONDS else "MISSED"
    print(
        f"{first.rows:,} rows, {path.stat().st_size / 1e6:,.0f} MB, "
        f"report of {report_size / 1e6:.0f} MB"
    )
    for label, opened in (("first", first), ("second", second), ("new date", third)):
        budget = f" (budget {SECONDS:.0f} s: {verdict})" if opened is second else ""
        print(
            f"{label:<9} {opened.seconds:6.2f} s, "
            f"{first.seconds / opened.seconds:5.0f}x as fast as the first, "
            f"{opened.memory:.0f} MB{budget}"
        )


if __name__ == "__main__":
    main()
