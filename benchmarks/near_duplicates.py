"""Planted near duplicates among short texts, against an index of rensa's own over a tenth of them.

    python benchmarks/near_duplicates.py [ROWS]

Prints how many planted pairs are found (budget: 99 of 100) and how many others (budget: none), how
many texts are sketched and searched a second, and the memory that they take, as a ratio to
`RMinHashLSH` in a process of its own (budget: at most 1).
"""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

ROWS = 1_000_000
SIMILARITY = 0.8
PLANTED = 100
"""One row in so many is a copy of the one before it, with its last word changed."""
_AT_ONCE = 2000
_WORDS = ["".join(letters) for letters in product("abcdefghijklmnopq", repeat=3)]


def text_of(row: int) -> str:
    """A text of 20 to 60 words, made anew whenever it is read."""
    copied = row % PLANTED == PLANTED - 1
    chance = random.Random(row - copied)
    words = chance.choices(_WORDS, k=chance.randint(20, 60))
    return " ".join([*words[:-1], "changed"] if copied else words)


def peak_bytes() -> int:
    """The most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def parts(rows: int) -> Iterator[list[str]]:
    """All texts, some at a time."""
    for start in range(0, rows, _AT_ONCE):
        yield [text_of(row) for row in range(start, min(rows, start + _AT_ONCE))]


def ours(rows: int) -> None:
    """Sketch and search all rows; prints sketching s, searching s, bytes, found, others."""
    from tui.services.checking.near_duplicates import near_pairs
    from tui.services.checking.sketches import sketch

    sketch([text_of(0)])
    before, sketching, sketches = peak_bytes(), 0.0, bytearray()
    for texts in parts(rows):
        began = time.process_time()
        sketches += sketch(texts)
        sketching += time.process_time() - began
    began = time.process_time()
    pairs = dict(near_pairs(sketches, text_of, SIMILARITY))
    searching = time.process_time() - began
    right = sum(row % PLANTED == PLANTED - 1 and at == row - 1 for row, at in pairs.items())
    print(sketching, searching, peak_bytes() - before, right, len(pairs) - right)


def reference(rows: int) -> None:
    """The same with rensa's index, which tells candidates alone; prints the same figures."""
    from rensa import RMinHash, RMinHashLSH

    from tui.domain.rows.similarity import shingles

    RMinHash.from_token_sets([["word"]], num_perm=64, seed=7)
    before, sketching = peak_bytes(), 0.0
    index = RMinHashLSH(threshold=SIMILARITY, num_perm=64, num_bands=16)
    hashes = []
    for texts in parts(rows):
        began = time.process_time()
        tokens = [list(shingles(text)) for text in texts]
        hashes += RMinHash.from_token_sets(tokens, num_perm=64, seed=7)
        sketching += time.process_time() - began
    began = time.process_time()
    index.insert_many(hashes)
    near = index.query_all(hashes)
    searching = time.process_time() - began
    right = sum(row - 1 in near[row] for row in range(PLANTED - 1, rows, PLANTED))
    print(
        sketching, searching, peak_bytes() - before, right, sum(map(len, near)) - rows - 2 * right
    )


def measured(program: str, rows: int) -> list[float]:
    """The figures of one of them, in a process of its own."""
    line = [sys.executable, str(Path(__file__).resolve()), program, str(rows)]
    return [float(number) for number in subprocess.check_output(line, text=True).split()]


def main() -> None:
    """Measure and print."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    few = max(PLANTED, rows // 10)
    sketching, searching, memory, right, false_pairs = measured("ours", rows)
    *seconds, index_memory, right_there, others_there = measured("reference", few)
    planted = rows // PLANTED
    print(f"{rows:,} texts, {planted:,} planted near duplicates; rensa's index over {few:,}")
    print(f"found {right / planted:.2%} (budget 99%), others {false_pairs:.0f} (budget 0)")
    print(f"the index: found {right_there / (few // PLANTED):.2%}, others {others_there:.0f}")
    print(f"sketched {rows / sketching:,.0f} a second, searched {rows / searching:,.0f} a second")
    there = sum(seconds) / few
    print(f"time a text, ratio {(sketching + searching) / rows / there:.2f}")
    print(f"memory {memory / 1e6:,.0f} MB, {memory / rows:,.0f} bytes a text")
    print(f"memory a text, ratio {memory / rows / (index_memory / few):.2f} (budget 1)")


if __name__ == "__main__":
    if sys.argv[1:2] in (["ours"], ["reference"]):
        {"ours": ours, "reference": reference}[sys.argv[1]](int(sys.argv[2]))
    else:
        main()
