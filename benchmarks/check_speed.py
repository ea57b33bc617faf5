"""The structural check against one `orjson.loads` pass over the same lines, in the same run.

    python benchmarks/check_speed.py [ROWS]

Prints both times and their ratio on one core (budget: at most 3), and the wall time of the
structural pass in worker processes.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson

from tui.domain.check_options import DEFAULT_OPTIONS
from tui.domain.examples import Format
from tui.services.datasets import Datasets
from tui.services.row_checks import Chunk, Look, read_structure
from tui.services.row_file import rows_between
from tui.services.samples import sample_path

CHUNK = 4 << 20


def write_file(path: Path, rows: int) -> None:
    """Different rows of about 700 bytes, made of the sample data."""
    samples = [json.loads(line) for line in sample_path("tickets_train.jsonl").open()]
    with path.open("wb", buffering=1 << 20) as file:
        for row in range(rows):
            system, user, answer = samples[row % len(samples)]["messages"]
            text = f"{user['content']} #{row}. " + "We read the manual twice before we wrote. " * 6
            messages = [system, {**user, "content": text}, answer]
            file.write(orjson.dumps({"messages": messages}) + b"\n")


def chunks(path: Path) -> Iterator[Chunk]:
    """The file in ranges of whole lines."""
    start, size = 0, path.stat().st_size
    with path.open("rb") as file:
        while start < size:
            file.seek(min(size, start + CHUNK))
            file.readline()
            end = file.tell()
            yield Chunk(path, start, end, 1, 0, 0)
            start = end


def loads_only(chunk: Chunk) -> None:
    """What the check is measured against."""
    for _, raw in rows_between(chunk.path, chunk.start, chunk.end, chunk.first_line):
        orjson.loads(raw)


def check(chunk: Chunk) -> None:
    """The structural pass."""
    read_structure(chunk, Look(Format.CHAT, DEFAULT_OPTIONS, 100))


def seconds(parts: list[Chunk], run: Callable[[Chunk], None]) -> float:
    """Time of a pass over all chunks on this core."""
    began = time.perf_counter()
    for chunk in parts:
        run(chunk)
    return time.perf_counter() - began


async def until_structure_is_known(path: Path) -> float:
    """Wall time until every row has its status, in worker processes."""
    dataset = await Datasets().open(path)
    began = time.perf_counter()
    async for progress in dataset.check(keep=100):
        if progress.checked and progress.checked == progress.rows:
            break
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        write_file(path, rows)
        parts = list(chunks(path))
        pairs = [(seconds(parts, loads_only), seconds(parts, check)) for _ in range(3)]
        loads, checked = (min(times) for times in zip(*pairs, strict=True))
        print(f"{rows:,} rows, {path.stat().st_size / 1e6:,.0f} MB")
        print(f"orjson.loads {loads:.2f} s, structural check {checked:.2f} s")
        print(f"ratio {checked / loads:.2f} (budget 3)")
        print(f"in worker processes {asyncio.run(until_structure_is_known(path)):.2f} s")


if __name__ == "__main__":
    main()
