"""Making a chat file in one go, by the seed's rule; `writing` is the same with every choice."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path

from tui.services.datasets import Dataset
from tui.services.writing import LOW_QUALITY, WriteRequest, Written, write

Preparation = Written


async def prepare(
    source: Dataset, out: Path, *, system: str = "", split: float = 0.0, seed: int = 7
) -> Written:
    """Write the good rows of a file as chat rows to a new file.

    Raises:
        InputError: the format cannot be converted, a file of that name exists, or no row is good.
        FileError: something cannot be read or written; no output is left half written then.
    """
    request = WriteRequest(
        out=out, system=system, validation=split, seed=seed, leave_out=LOW_QUALITY
    )
    async with aclosing(write(source, request)) as steps:
        async for progress in steps:
            last = progress
    assert last.written
    return last.written
