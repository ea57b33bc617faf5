"""Reports of whole checks."""

from __future__ import annotations

from collections.abc import Mapping

from tui.services.datasets.datasets import Dataset, DatasetReport


async def check_all(
    dataset: Dataset, *, against: Mapping[str, Dataset] | None = None
) -> DatasetReport:
    """Check every row of a file and return the report."""
    async for _ in dataset.check(against=against):
        pass
    assert dataset.report
    return dataset.report
