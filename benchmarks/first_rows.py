"""Time to the first rows of files of rising size, and the memory of browsing the largest.

    python benchmarks/first_rows.py [ROWS]

The budget: at most a second whatever the size, and at most 250 MB.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
import time
from pathlib import Path

from check_speed import write_file

from tui.services.datasets import Datasets


async def first_rows(path: Path) -> float:
    """Seconds from the path to the 40 rows that a screen shows."""
    began = time.perf_counter()
    dataset = await Datasets().open(path)
    assert len(await dataset.rows(range(40))) == 40
    return time.perf_counter() - began


async def browse(path: Path) -> float:
    """Find all rows, read pages all over the file; peak memory in MB."""
    dataset = await Datasets().open(path)
    await dataset.find_rows()
    for page in range(100):
        await dataset.rows(range(at := page * len(dataset) // 100, at + 40))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure and print."""
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        for rows in (most // 100, most // 10, most):
            path = Path(folder) / f"{rows}.jsonl"
            write_file(path, rows)
            took = asyncio.run(first_rows(path))
            print(f"{rows:>9,} rows, {path.stat().st_size / 1e6:5,.0f} MB: {took * 1000:.0f} ms")
        print(f"peak memory while browsing: {asyncio.run(browse(path)):.0f} MB (budget 250)")


if __name__ == "__main__":
    main()
