"""One full check of a large file against one `orjson.loads` pass over its lines, in the same run.

    python benchmarks/full_check.py [ROWS]

The check is the whole one: structure, quality, tokens, exact and near duplicates, statistics.
Prints wall time, which the worker processes share, and CPU seconds of all processes, each as a
ratio to passes on one core before and after (budget: 15 times on two cores, so 30 times by CPU);
whether the planted problems were found; and memory. Every hundredth row is the one before it with
another ordinary word, every thousandth has a problem.
"""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from statistics import mean

import orjson
from big_file import ROWS, big_file, folder

BUDGET, CPU_BUDGET = 15, 30
SECONDS = 3
"""Seconds of passes before and after the check, since a busy machine is not always as fast."""
PAIRS = 100
"""One row in so many is a near duplicate of the row before it."""
PROBLEMS = 1000
"""One row in so many has a problem of its own, each kind in turn."""
PLANTED: dict[str, Callable[[bytes], bytes]] = {
    "not-json": lambda raw: raw[:-2],
    "refusal": lambda raw: _answered(raw, "I'm sorry, but I cannot help with that today."),
    "secret": lambda raw: _answered(raw, "The key is AKIAIOSFODNN7EXAMPLA, keep it."),
    "personal-data": lambda raw: _answered(raw, "Write to anna.meier@mail-house.de, please."),
    "encoding-damage": lambda raw: _answered(raw, "The cafÃ© is closed until Monday morning."),
}


def _answered(raw: bytes, answer: str) -> bytes:
    row = orjson.loads(raw)
    row["messages"][-1]["content"] = answer
    return orjson.dumps(row)


def planted_file(rows: int) -> Path:
    """The large file with its planted rows, made unless it is there already."""
    path = folder() / f"{rows}-planted.jsonl"
    if not path.exists():
        growing = path.with_suffix(".part")
        with big_file(rows).open("rb") as source, growing.open("wb") as file:
            file.writelines(raw + b"\n" for raw in _planted(source))
        growing.rename(path)
    return path


def _planted(lines: Iterator[bytes]) -> Iterator[bytes]:
    makers, before = [*PLANTED.values()], b""
    for row, line in enumerate(lines):
        raw = line.rstrip(b"\n")
        if row % PAIRS == PAIRS - 1:
            raw = before.replace(b"twice", b"again", 1)
        elif row % PROBLEMS == PROBLEMS // 2:
            raw = makers[row // PROBLEMS % len(makers)](raw)
        yield raw
        before = raw


def loads_passes(path: Path) -> Iterator[tuple[float, float]]:
    """Wall and CPU seconds of passes that the check is measured against, on one core."""
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        began, began_cpu = time.perf_counter(), time.process_time()
        with path.open("rb") as file:
            for line in file:
                with suppress(orjson.JSONDecodeError):
                    orjson.loads(line)
        yield time.perf_counter() - began, time.process_time() - began_cpu


def check(path: Path) -> None:
    """Check the file in this process and its workers; prints wall seconds, MB and counts."""
    from tui.services.datasets.datasets import Datasets

    async def run() -> dict[str, int]:
        dataset = await Datasets().open(path)
        async for _ in dataset.check(keep=100):
            pass
        assert dataset.report
        return dataset.report.codes

    began = time.perf_counter()
    codes = asyncio.run(run())
    wall = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(orjson.dumps({"wall": wall, "memory": memory, "codes": codes}).decode())


def main() -> None:
    """Measure and print."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    path = planted_file(rows)
    passes = [*loads_passes(path)]
    own = [sys.executable, __file__, "check", str(path)]
    found = orjson.loads(subprocess.check_output(own))
    passes += loads_passes(path)
    loads, loads_cpu = (mean(seconds) for seconds in zip(*passes, strict=True))
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime
    print(f"{rows:,} rows, {path.stat().st_size / 1e6:,.0f} MB")
    print(f"orjson.loads {loads:.2f} s, {loads_cpu:.2f} s of CPU on one core")
    print(f"full check {found['wall']:.2f} s, {cpu:.2f} s of CPU in all processes")
    print(f"ratio {found['wall'] / loads:.1f} (budget {BUDGET})")
    print(f"ratio by CPU {cpu / loads_cpu:.1f} (budget {CPU_BUDGET})")
    print(f"memory {found['memory']:.0f} MB, of the largest process {used.ru_maxrss / 1024:.0f} MB")
    kinds = len(PLANTED)
    for place, code in enumerate(PLANTED):
        planted = len(range(PROBLEMS * place + PROBLEMS // 2, rows, PROBLEMS * kinds))
        print(f"{code}: {found['codes'].get(code, 0):,} of {planted:,}")
    print(f"near-duplicate: {found['codes'].get('near-duplicate', 0):,} of {rows // PAIRS:,}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["check"]:
        check(Path(sys.argv[2]))
    else:
        main()
