"""Findings are cached: a second check of the same file reads nothing."""

from __future__ import annotations

import gzip
from pathlib import Path

from support.checked_datasets import check_all
from support.ordinary_words import ordinary_word

from tui.domain.rows.check_options import CheckOptions
from tui.domain.rows.edits import EXCLUDED
from tui.services.datasets.datasets import Dataset, DatasetReport, Datasets
from tui.services.samples import sample_path
from tui.settings import Settings

GOOD = sample_path("tickets_train.jsonl").read_bytes().splitlines()
FLAWED = sample_path("tickets_flawed.jsonl").read_bytes().splitlines()


def large(folder: Path, *more: bytes) -> Path:
    """A file that is large enough for its findings to be cached."""
    different = [
        row.replace(b"Hi team", b"Hi team " + ordinary_word(number).encode())
        for number in range(20)
        for row in GOOD
    ]
    path = folder / "f.jsonl"
    path.write_bytes(b"\n".join([*different, *FLAWED, *more]) + b"\n")
    assert path.stat().st_size > 1 << 20
    return path


async def check(path: Path, folder: Path) -> tuple[Dataset, DatasetReport, set[str]]:
    """Check a file; return the dataset, its report and the labels of the steps done."""
    dataset = await Datasets(Settings(workspace=folder / "kept")).open(path)
    steps = {progress.label async for progress in dataset.check()}
    assert dataset.report
    return dataset, dataset.report, steps


async def test_a_second_check_reads_nothing_and_finds_the_same(tmp_path: Path) -> None:
    path = large(tmp_path)
    first, report, steps = await check(path, tmp_path)
    assert {"checking structure", "checking quality and tokens"} <= steps
    second, again, steps = await check(path, tmp_path)
    assert not {"checking structure", "checking quality and tokens"} & steps
    assert again == report
    assert second.statistics == first.statistics
    assert second.counts() == first.counts()
    assert [*second.statuses()] == [*first.statuses()]
    assert await second.rows(range(len(second))) == await first.rows(range(len(first)))


async def test_edits_and_other_files_work_on_cached_findings(tmp_path: Path) -> None:
    path = large(tmp_path)
    first, _, _ = await check(path, tmp_path)
    second, _, _ = await check(path, tmp_path)
    rows = [*first.rows_with("near-duplicate")[:2], 0, 1, len(first) - 1]
    for dataset in (first, second):
        await dataset.change("leave out", dict.fromkeys(rows, EXCLUDED))
    assert second.counts() == first.counts()
    against = {"test": await Datasets().open(sample_path("tickets_train.jsonl"))}
    report = await check_all(second, against=against)
    assert report.codes["leaked-row"] + report.codes["near-leak"] > 100


async def test_other_options_or_content_are_checked_again(tmp_path: Path) -> None:
    path = large(tmp_path)
    await check(path, tmp_path)
    strict = Datasets(Settings(workspace=tmp_path / "kept", check=CheckOptions(longest_output=50)))
    report = await check_all(await strict.open(path))
    assert report.codes["output-too-long"] > 100
    _, report, steps = await check(large(tmp_path, b"{"), tmp_path)
    assert "checking structure" in steps
    assert report.problems[-1].code == "not-json"


async def test_a_compressed_file_is_unpacked_and_cached(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl.gz"
    path.write_bytes(gzip.compress(large(tmp_path).read_bytes(), 0))
    _, report, _ = await check(path, tmp_path)
    dataset, again, steps = await check(path, tmp_path)
    assert "checking structure" not in steps
    assert again == report
    assert dataset.packed


async def test_a_small_file_is_not_cached(tmp_path: Path) -> None:
    await check(sample_path("tickets_train.jsonl"), tmp_path)
    assert not (tmp_path / "kept").exists()
