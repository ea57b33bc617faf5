"""Looking for a text in all rows, and sorting them, against reading them and against `sorted`.

    python benchmarks/text_filter.py [ROWS]

Budgets: 300 MB a second, whether the rows are plain ASCII, UTF-8 or escaped; 1 s for sorting
1,000,000 rows.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
import tracemalloc
from array import array
from pathlib import Path

from big_file import ROWS, big_file, folder

from tui.domain.rows.filter import RowFilter
from tui.services.datasets.datasets import Dataset, Datasets
from tui.services.datasets.row_selection import select, sorted_by

RATE = 300
SECONDS = 1.0


def in_french(rows: int, *, escaped: bool) -> Path:
    """A file with accents in every sentence, written out or as escapes."""
    path = folder() / f"{rows}-{'escaped' if escaped else 'accents'}.jsonl"
    if path.exists():
        return path
    growing = path.with_suffix(".part")
    with growing.open("w", encoding="utf-8", buffering=1 << 20) as file:
        for row in range(rows):
            question = f"Où est ma commande {row} ? " + "Elle a été payée à Noël, déjà. " * 12
            messages = [
                {"role": "user", "content": question},
                {"role": "assistant", "content": "Votre colis a été expédié hier."},
            ]
            file.write(json.dumps({"messages": messages}, ensure_ascii=escaped) + "\n")
    growing.rename(path)
    return path


async def open_whole(path: Path) -> Dataset:
    """A file whose rows are all known."""
    dataset = await Datasets().open(path)
    while await asyncio.to_thread(dataset._rows.scan):
        pass
    return dataset


def reading(dataset: Dataset) -> float:
    """Seconds to read all rows and do nothing with them."""
    began = time.perf_counter()
    for _ in dataset.blocks():
        pass
    return time.perf_counter() - began


async def searching(dataset: Dataset, text: str) -> tuple[float, int]:
    """Seconds until all rows with a text are known, and how many they are."""
    began = time.perf_counter()
    async for selection in select(dataset, RowFilter(text)):
        matches = len(selection.rows)
    return time.perf_counter() - began, matches


async def filters(rows: int) -> None:
    """Search files of three kinds for texts that are rare, common and not there."""
    for label, path, texts in (
        ("plain", big_file(rows), (f"#{rows - 1}.", "MANUAL", "no such text")),
        ("accents", in_french(rows // 5, escaped=False), ("commande 77 ", "NOËL", "tempête")),
        ("escapes", in_french(rows // 5, escaped=True), ("commande 77 ", "NOËL", "tempête")),
    ):
        dataset, size = await open_whole(path), path.stat().st_size / 1e6
        reference = min(reading(dataset) for _ in range(2))
        for text in texts:
            took, matches = await searching(dataset, text)
            verdict = "met" if size / took >= RATE else "MISSED"
            print(
                f"{label:<8} {text!r:<15} {matches:>9,} rows, {size / took:5,.0f} MB/s "
                f"(budget {RATE}: {verdict}), {took / reference:4.1f}x the time of reading"
            )


def sorts(rows: int) -> None:
    """Sort by counts that are spread as tokens are."""
    tokens = array("I", (int(random.lognormvariate(5, 0.5)) for _ in range(rows)))
    began = time.perf_counter()
    expected = array("I", sorted(range(rows), key=tokens.__getitem__))
    reference = time.perf_counter() - began
    began = time.perf_counter()
    assert sorted_by(tokens, range(rows), False) == expected
    took = time.perf_counter() - began
    tracemalloc.start()
    sorted_by(tokens, range(rows), False)
    memory = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    verdict = "met" if took <= SECONDS else "MISSED"
    print(
        f"sorting {rows:,} rows {took:.2f} s (budget {SECONDS:.0f}: {verdict}), "
        f"{took / reference:.2f}x `sorted`, {memory:.0f} MB"
    )


def main() -> None:
    """Measure and print."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    asyncio.run(filters(rows))
    sorts(rows)


if __name__ == "__main__":
    main()
