"""Time to the first rows of files of rising size and of every container, and memory of browsing.

    python benchmarks/first_rows.py [ROWS]

Each file is opened by a process of its own. The budget: at most a second whatever the size, and at
most 250 MB with all rows found. Times are told against a file of a hundredth of the rows.
"""

from __future__ import annotations

import asyncio
import csv
import gzip
import json
import resource
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from big_file import ROWS, big_file

from tui.services.datasets.datasets import Dataset, Datasets

SECONDS = 1.0
MEMORY = 250
SHOWN = 40


class Timing(NamedTuple):
    """Seconds to the first rows, then to all rows, and the most memory in MB."""

    first: float
    whole: float
    memory: float


async def browse(path: Path) -> Timing:
    """Open a file, find all rows, read pages all over it."""
    began = time.perf_counter()
    dataset = await Datasets().open(path)
    await page(dataset, 0)
    first = time.perf_counter() - began
    while await asyncio.to_thread(dataset._rows.scan):
        pass
    complete = time.perf_counter() - began
    for part in range(100):
        await page(dataset, part * (len(dataset) - SHOWN) // 100)
    return Timing(first, complete, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


async def page(dataset: Dataset, row: int) -> None:
    """Read the rows that a screen shows."""
    assert len(await dataset.rows(range(row, row + SHOWN))) == SHOWN


def look(path: Path) -> Timing:
    """What a process of its own sees."""
    return asyncio.run(browse(path))


def converted(source: Path, ending: str, write: Callable[[BinaryIO, BinaryIO], None]) -> Path:
    """The rows of a chat file in another container, made unless it is there already."""
    path = source.with_suffix(ending)
    if not path.exists():
        growing = path.with_suffix(".part")
        with source.open("rb") as rows, growing.open("wb") as file:
            write(rows, file)
        growing.rename(path)
    return path


def pack(rows: BinaryIO, file: BinaryIO) -> None:
    """Write what gzip makes of the file."""
    with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=1) as packed:
        shutil.copyfileobj(rows, packed, 1 << 20)


def write_array(rows: BinaryIO, file: BinaryIO) -> None:
    """Write one JSON array."""
    for number, row in enumerate(rows):
        file.write((b",\n" if number else b"[\n") + row.rstrip(b"\n"))
    file.write(b"\n]\n")


def write_table(rows: BinaryIO, file: BinaryIO) -> None:
    """Write a CSV file of pairs, with line breaks in its cells."""
    lines = csv.writer(Lines(file))
    lines.writerow(["input", "ideal_output"])
    for row in rows:
        _, user, answer = json.loads(row)["messages"]
        lines.writerow([user["content"].replace(". ", ".\n"), answer["content"]])


class Lines:
    """Takes the text that a CSV writer gives."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, text: str) -> None:
        """Write as UTF-8."""
        self._file.write(text.encode())


def files(rows: int) -> Iterator[tuple[str, Path]]:
    """What is opened."""
    plain = big_file(rows)
    yield "a hundredth", big_file(rows // 100)
    yield "a tenth", big_file(rows // 10)
    yield "all rows", plain
    yield "gzip", converted(plain, ".jsonl.gz", pack)
    yield "JSON array", converted(plain, ".json", write_array)
    yield "CSV", converted(plain, ".csv", write_table)


def main() -> None:
    """Measure and print."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    reference = 0.0
    context: Any = get_context("spawn")
    with ProcessPoolExecutor(1, context, max_tasks_per_child=1) as own:
        for label, path in files(rows):
            times = own.submit(look, path).result()
            reference = reference or times.first
            verdict = "met" if times.first <= SECONDS and times.memory <= MEMORY else "MISSED"
            print(
                f"{label:<12} {path.stat().st_size / 1e6:4,.0f} MB: first rows after "
                f"{times.first * 1000:4.0f} ms ({times.first / reference:.1f}x), all after "
                f"{times.whole:5.1f} s, {times.memory:3.0f} MB "
                f"(budgets 1 s, {MEMORY} MB: {verdict})"
            )


if __name__ == "__main__":
    main()
