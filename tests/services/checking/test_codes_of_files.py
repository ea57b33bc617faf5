"""Problem codes of whole files: a file with each, and a near miss."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.checked_datasets import check_all
from support.sample_rows import chat_row, good_rows

from tui.domain.rows.check_options import DEFAULT_OPTIONS, CheckOptions
from tui.domain.rows.problems import KINDS, SWITCHABLE
from tui.services.datasets.datasets import DatasetReport, Datasets

NOTE = (
    "The lamp of the {} stays dark since Monday although the switch the fuse and the bulb are "
    "fine and the neighbours have light in every room of the house so please send somebody soon"
)
FILLING = good_rows(60)


def note(room: str, answer: str = "Somebody comes on Tuesday at nine.") -> dict[str, object]:
    return chat_row(NOTE.format(room), answer)


@dataclass(frozen=True)
class Files:
    """Rows of a file and of its validation file."""

    rows: list[Any]
    other: list[Any] = field(default_factory=list)
    options: CheckOptions = DEFAULT_OPTIONS
    about_whole_file: bool = False
    """Whether the problem is of the file and not of its last row."""


LONG = chat_row("Tell me all of it.", " ".join(f"word{n}" for n in range(290)))
CASES: dict[str, tuple[Files, Files]] = {
    "duplicate-row": (
        Files([*FILLING, note("hall"), note("HALL")]),
        Files([*FILLING, note("hall"), note("attic", "Nobody can come before Friday.")]),
    ),
    "near-duplicate": (
        Files([*FILLING, note("hall"), note("hall", "Somebody comes on Tuesday at ten.")]),
        Files([*FILLING, note("hall"), chat_row("Where is my parcel?", "It is on its way.")]),
    ),
    "contradiction": (
        Files([*FILLING, note("hall"), note("hall", "No, we are closed for the summer.")]),
        Files([*FILLING, note("hall"), note("shed", "No, we are closed for the summer.")]),
    ),
    "leaked-row": (Files([*FILLING, note("hall")], [note("hall")]), Files(FILLING, [note("hall")])),
    "near-leak": (
        Files([*FILLING, note("hall")], [note("hall", "Somebody comes on Tuesday at ten.")]),
        Files([*FILLING, note("hall")], [chat_row("Where is my parcel?", "It is on its way.")]),
    ),
    "length-outlier": (
        Files([*FILLING, LONG]),
        Files([*FILLING, LONG], options=CheckOptions(length_spread=1000.0)),
    ),
    "over-context": (
        Files([*FILLING, note("hall")], options=CheckOptions(context=30)),
        Files([*FILLING, note("hall")], options=CheckOptions(context=3000)),
    ),
    "needs-conversion": (
        Files([{"input": "Where?", "ideal_output": "It is here."}] * 60, about_whole_file=True),
        Files(FILLING, about_whole_file=True),
    ),
    "unconvertible-format": (
        Files(
            [{"prompt": "Where?", "completion": "Here.", "label": True}] * 60, about_whole_file=True
        ),
        Files([{"prompt": "Where?", "completion": "It is here."}] * 60, about_whole_file=True),
    ),
}


def write(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


async def report_of(folder: Path, files: Files) -> DatasetReport:
    datasets = Datasets()
    dataset = await datasets.open(write(folder / "f.jsonl", files.rows), options=files.options)
    if not files.other:
        return await check_all(dataset)
    validation = await datasets.open(write(folder / "v.jsonl", files.other), options=files.options)
    return await check_all(dataset, against={"validation": validation})


@pytest.mark.parametrize("code", CASES)
async def test_a_file_has_its_problem_and_a_near_miss_does_not(tmp_path: Path, code: str) -> None:
    bad, near = CASES[code]
    report = await report_of(tmp_path, bad)
    lines = [problem.line for problem in report.problems if problem.code == code]
    assert lines
    assert lines[-1] == (None if bad.about_whole_file else len(bad.rows))
    assert {problem.severity for problem in report.problems if problem.code == code} == {
        KINDS[code].severity
    }
    assert code not in (await report_of(tmp_path, near)).codes


@pytest.mark.parametrize("code", sorted(CASES.keys() & SWITCHABLE))
async def test_a_rule_that_is_off_reports_nothing(tmp_path: Path, code: str) -> None:
    bad, _ = CASES[code]
    values = {name: getattr(bad.options, name) for name in ("context", "length_spread")}
    off = Files(bad.rows, bad.other, CheckOptions(off=frozenset({code}), **values))
    assert code not in (await report_of(tmp_path, off)).codes


async def test_a_truncated_gzip_file_is_reported_and_a_complete_one_is_not(
    tmp_path: Path,
) -> None:
    packed = gzip.compress(b"".join(json.dumps(row).encode() + b"\n" for row in FILLING * 9))
    for name, data, reported in (("cut", packed[:-40], True), ("whole", packed, False)):
        path = tmp_path / f"{name}.jsonl.gz"
        path.write_bytes(data)
        report = await check_all(await Datasets().open(path))
        assert ("truncated-container" in report.codes) is reported
        assert report.usable is not reported


async def test_quotes_of_a_table_that_are_not_doubled_are_a_warning(tmp_path: Path) -> None:
    for name, cell, reported in (("bad", '"a "b" c"', True), ("good", '"a ""b"" c"', False)):
        path = tmp_path / f"{name}.csv"
        path.write_text("input,ideal_output\n" + f"Where is it?,{cell}\n" * 12)
        report = await check_all(await Datasets().open(path))
        assert ("unescaped-quotes" in report.codes) is reported
