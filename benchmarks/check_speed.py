"""The structural check against one `orjson.loads` pass over the same lines, in the same run.

    python benchmarks/check_speed.py [ROWS]

Prints both times and their ratio on one core (budget: at most 3), and how much faster the pass is
in worker processes (budget: faster than on one core).
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path

import orjson
from big_file import ROWS, big_file

from tui.domain.rows.check_options import DEFAULT_OPTIONS
from tui.domain.rows.formats import Format
from tui.services.checking.dataset_check import chunks
from tui.services.checking.passes import CheckPlan, Chunk, read_structure
from tui.services.datasets.datasets import Datasets
from tui.services.reading.row_file import RowFile, rows_between

PLAN = CheckPlan(Format.CHAT, DEFAULT_OPTIONS, 100)
CHUNK = 4 << 20


def parts_of(path: Path) -> list[Chunk]:
    """The file in ranges of whole lines."""
    rows = RowFile(path)
    while rows.scan():
        pass
    return list(chunks(rows, CHUNK))


def loads_only(chunk: Chunk) -> None:
    """What the check is measured against."""
    for _, raw in rows_between(chunk.path, chunk.start, chunk.end, chunk.line):
        orjson.loads(raw)


def check(chunk: Chunk) -> None:
    """The structural pass."""
    read_structure(PLAN, chunk)


def seconds(parts: list[Chunk], run: Callable[[Chunk], None]) -> float:
    """Time of a pass over all chunks on this core."""
    began = time.perf_counter()
    for chunk in parts:
        run(chunk)
    return time.perf_counter() - began


async def in_processes(path: Path) -> float:
    """Seconds until every row has its status, the start of the processes left out."""
    dataset = await Datasets().open(path)
    reports: list[tuple[int, float]] = []
    async for progress in dataset.check(keep=100):
        if progress.checked:
            reports.append((progress.checked, time.perf_counter()))
        if progress.checked == progress.rows:
            break
    (first, began), (every, ended) = reports[0], reports[-1]
    return (ended - began) * every / (every - first)


def main() -> None:
    """Measure and print."""
    path = big_file(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
    parts = parts_of(path)
    pairs = [(seconds(parts, loads_only), seconds(parts, check)) for _ in range(3)]
    loads, checked = (min(times) for times in zip(*pairs, strict=True))
    rows, size = sum(part.rows for part in parts), path.stat().st_size / 1e6
    print(f"{rows:,} rows, {size:,.0f} MB")
    print(f"orjson.loads {loads:.2f} s, structural check {checked:.2f} s on one core")
    print(f"ratio {checked / loads:.2f} (budget 3)")
    structure = asyncio.run(in_processes(path))
    print(f"in worker processes {structure:.2f} s, started: {checked / structure:.2f}x as fast")


if __name__ == "__main__":
    main()
