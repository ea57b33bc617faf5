"""The large chat file that several benchmarks read; made once, below the temporary folder.

    python benchmarks/big_file.py [ROWS]

Makes the file, 1,000,000 rows and 700 MB unless told otherwise, and prints its path.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import orjson

from tui.services.samples import sample_path

ROWS = 1_000_000


def folder() -> Path:
    """Where the files of benchmarks are kept; remove it when you are done."""
    path = Path(tempfile.gettempdir()) / f"ftui-benchmarks-{os.getuid()}"
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def big_file(rows: int = ROWS) -> Path:
    """A chat file of so many rows, made unless it is there already."""
    path = folder() / f"{rows}.jsonl"
    if not path.exists():
        growing = path.with_suffix(".part")
        write_file(growing, rows)
        growing.rename(path)
    return path


def write_file(path: Path, rows: int) -> None:
    """Different rows of about 700 bytes, made of the sample data."""
    samples = [json.loads(line) for line in sample_path("tickets_train.jsonl").open()]
    with path.open("wb", buffering=1 << 20) as file:
        for row in range(rows):
            system, user, answer = samples[row % len(samples)]["messages"]
            text = f"{user['content']} #{row}. " + "We read the manual twice before we wrote. " * 6
            messages = [system, {**user, "content": text}, answer]
            file.write(orjson.dumps({"messages": messages}) + b"\n")


if __name__ == "__main__":
    print(big_file(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS))
