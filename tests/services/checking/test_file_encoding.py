"""Files that are not UTF-8: named with what they read as, unless they mix encodings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.checked_datasets import check_all
from support.sample_rows import chat_row

from tui.domain.rows.problems import Problem
from tui.services.datasets.datasets import Datasets
from tui.settings import Settings

ANSWER = "It is – as before – in the café on the left."


def lines(*said: str) -> str:
    rows = (chat_row("Where is the lamp?", text) for text in said)
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


async def encoding_problems(path: Path, content: bytes) -> list[Problem]:
    path.write_bytes(content)
    report = await check_all(await Datasets().open(path))
    return [problem for problem in report.problems if problem.code == "other-encoding"]


@pytest.mark.parametrize("ascii_rows", [0, 3000])
async def test_a_file_is_named_by_any_row_that_is_not_utf_8(
    tmp_path: Path, ascii_rows: int
) -> None:
    text = lines(*["Here it is."] * ascii_rows, ANSWER)
    (problem,) = await encoding_problems(tmp_path / "a.jsonl", text.encode("cp1252"))
    assert problem.line is None
    assert problem.severity == "error"
    assert problem.message == "The file is not UTF-8; it reads as cp1252."
    assert problem.fix == "Open it with --encoding cp1252, or with i on the screen."


async def test_a_long_row_is_judged_where_it_is_not_ascii(tmp_path: Path) -> None:
    content = lines("Read this. " * 20_000 + ANSWER).encode("cp1252")
    (problem,) = await encoding_problems(tmp_path / "a.jsonl", content)
    assert problem.message == "The file is not UTF-8; it reads as cp1252."


async def test_an_encoding_that_fits_nothing_is_told_so(tmp_path: Path) -> None:
    content = lines("?").encode().replace(b"?", bytes(range(128, 256)))
    (problem,) = await encoding_problems(tmp_path / "a.jsonl", content)
    assert "not recognised" in problem.message


@pytest.mark.parametrize(
    "content",
    [
        lines(ANSWER).encode(),
        lines(ANSWER).encode("cp1252") + lines(ANSWER).encode(),
        lines("Here.").encode() * 20,
        lines(ANSWER).encode("cp1252")
        + lines("Here.").encode() * 2000
        + lines(ANSWER).encode() * 9,
    ],
)
async def test_utf_8_and_mixed_files_are_not_named(tmp_path: Path, content: bytes) -> None:
    assert not await encoding_problems(tmp_path / "a.jsonl", content)


async def test_a_cached_report_belongs_to_the_encoding(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(lines(*[f"{ANSWER} {number}" for number in range(9000)]).encode("cp1252"))
    datasets = Datasets(Settings(workspace=tmp_path / "kept"))
    reports = [
        await check_all(await datasets.open(path, encoding=encoding))
        for encoding in (None, "cp1252", None, "cp1252")
    ]
    assert [report.invalid for report in reports] == [9000, 0, 9000, 0]
