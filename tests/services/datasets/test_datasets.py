"""Opening, reading and checking training files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.checked_datasets import check_all

import tui.services.checking.dataset_check as dataset_check
from tui.domain.rows.formats import Format
from tui.domain.rows.problems import KINDS, Problem
from tui.domain.submission.forecast import ESTIMATE
from tui.domain.text import has_unsafe
from tui.services.checking.token_counters import O200K
from tui.services.datasets.datasets import Dataset, DatasetReport, Datasets, Status
from tui.services.errors import FileError
from tui.services.samples import sample_path

GOOD = sample_path("tickets_train.jsonl").read_bytes().splitlines()


def write(path: Path, rows: list[bytes]) -> Path:
    path.write_bytes(b"\n".join(rows) + b"\n")
    return path


def row_problems(report: DatasetReport) -> list[Problem]:
    """The problems of rows, without those of the whole file."""
    return [problem for problem in report.problems if problem.line is not None]


async def checked(path: Path, **options: Any) -> tuple[Dataset, DatasetReport]:
    dataset = await Datasets().open(path)
    async for _ in dataset.check(**options):
        pass
    assert dataset.report
    return dataset, dataset.report


async def test_the_sample_file_is_valid_and_counted() -> None:
    dataset, report = await checked(sample_path("tickets_train.jsonl"))
    assert (report.rows, report.valid, report.invalid, report.warned) == (120, 120, 0, 0)
    assert report.problems == []
    assert report.usable
    assert report.tokens.counter in (ESTIMATE, O200K)
    assert 9_000 < report.tokens.total < 14_000
    rows = await dataset.rows(range(118, 158))
    assert [row.line for row in rows] == [119, 120]
    assert rows[0].turns == 3
    assert rows[0].assistant.startswith('{"category"')


async def test_the_flawed_file_shows_every_kind_of_structural_error_on_its_line() -> None:
    dataset, report = await checked(sample_path("tickets_flawed.jsonl"))
    result = {problem.code for problem in report.problems}
    of_rows = {code for code in KINDS if code not in NOT_IN_THE_FLAWED_FILE}
    assert result >= of_rows
    assert report.invalid == 33
    for problem in report.problems:
        if problem.line is not None:
            row = (await dataset.rows([problem.line - 1]))[0]
            assert problem in row.problems
    lines = [problem.line or 0 for problem in report.problems]
    assert lines == sorted(lines)


NOT_IN_THE_FLAWED_FILE = {
    "misspelled-key",
    # of the file as a whole, or of its first bytes
    *("empty-file", "too-few-examples", "few-examples", "file-too-large", "truncated-container"),
    "other-encoding",
    *("needs-conversion", "unknown-format", "unconvertible-format", "needs-validation"),
    "unescaped-quotes",
    *("several-system-prompts", "many-refusals", "byte-order-mark", "shared-rows"),
    # of other formats and services
    *(
        "missing-field",
        "dropped-field",
        "null-text",
        "bad-preference",
        "same-preference",
        "prompt-not-asking",
        "ragged-row",
    ),
    *("missing-tool-description", "too-many-tools", "unsupported-part", "bad-tool-call-id"),
    *("content-beside-calls", "template-without-tools", "tool-arguments-mismatch"),
    # of several rows or files, or of a model
    *("leaked-row", "near-leak", "length-outlier", "over-context"),
}


async def test_the_hostile_file_is_shown_without_a_control_character() -> None:
    dataset, report = await checked(sample_path("hostile.jsonl"))
    rows = await dataset.rows(range(len(dataset)))
    assert len(rows) == report.rows == 16
    assert [row.line for row in rows] == [*range(1, 14), 15, 16, 17]
    assert not any(has_unsafe(row.user + row.assistant) for row in rows)


async def test_blank_lines_bom_and_line_ends_keep_line_numbers_right(tmp_path: Path) -> None:
    rows = [b"\xef\xbb\xbf" + GOOD[0], b"", b" \t\r", *(row + b"\r" for row in GOOD[1:12]), b"{"]
    path = tmp_path / "f.jsonl"
    path.write_bytes(b"\n".join(rows))
    _, report = await checked(path)
    assert report.rows == 13
    assert [(problem.line, problem.code) for problem in row_problems(report)] == [
        (1, "byte-order-mark"),
        (15, "not-json"),
    ]


@pytest.mark.long
async def test_worker_processes_and_a_thread_find_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flawed = sample_path("tickets_flawed.jsonl").read_bytes().splitlines()
    path = write(tmp_path / "f.jsonl", [*flawed * 3, b"", *GOOD] * 40)
    dataset, in_thread = await checked(path)
    monkeypatch.setattr(dataset_check, "SMALL", 1 << 16)
    monkeypatch.setattr(dataset_check, "_CHUNK", 1 << 18)
    again, in_processes = await checked(path)
    assert in_processes == in_thread
    assert in_processes.invalid == 33 * 3 * 40
    assert again.next_problem(0, 1) == dataset.next_problem(0, 1) == 3


async def test_progress_rises_to_the_end(tmp_path: Path) -> None:
    dataset = await Datasets().open(write(tmp_path / "f.jsonl", GOOD * 40))
    shares = [progress.share async for progress in dataset.check()]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


async def test_progress_names_each_pass_and_counts_what_it_has_found(tmp_path: Path) -> None:
    path = write(tmp_path / "f.jsonl", [*GOOD[:20], b"{", GOOD[20]])
    dataset = await Datasets().open(path)
    invalid: dict[str, int] = {}
    async for progress in dataset.check():
        invalid.setdefault(progress.label, progress.invalid)
    assert invalid == {
        "checking structure": 1,
        "checking quality and tokens": 1,
        "finding duplicates": 1,
        "finding near duplicates": 1,
    }


async def test_a_limit_lists_few_problems_but_counts_all(tmp_path: Path) -> None:
    _, report = await checked(write(tmp_path / "f.jsonl", [b'{"messages": []}'] * 500), keep=10)
    assert len(report.problems) <= 12
    assert report.codes["no-messages"] == report.invalid == 500


async def test_duplicates_are_found_and_name_the_first_row(tmp_path: Path) -> None:
    same = GOOD[0].replace(b"Hi team", b"HI  TEAM")
    dataset, report = await checked(write(tmp_path / "f.jsonl", [*GOOD[:20], same]))
    assert report.duplicates == 1
    assert [(problem.line, problem.message) for problem in row_problems(report)] == [
        (21, "The row is a duplicate of line 1.")
    ]
    assert (await dataset.rows([20]))[0].status is Status.WARNED


async def test_rows_shared_by_validation_and_test_files_are_reported(
    tmp_path: Path,
) -> None:
    paths = {"validation": [b"", *GOOD[40:50]], "test": [*GOOD[49:60], GOOD[41] + b" "]}
    paths["test"].append(GOOD[43].replace(b'"user", "content": "', b'"user", "content": "hello. '))
    against = {
        name: await Datasets().open(write(tmp_path / f"{name}.jsonl", rows))
        for name, rows in paths.items()
    }
    _, report = await checked(write(tmp_path / "f.jsonl", GOOD[:40]), against=against)
    assert [problem.message for problem in report.problems if problem.code == "shared-rows"] == [
        "The test file contains lines 3, 11 of the validation file, and near duplicates of line 5."
    ]
    assert not row_problems(report)


async def test_rows_of_the_validation_file_are_errors(tmp_path: Path) -> None:
    against = await Datasets().open(write(tmp_path / "v.jsonl", [b"", *GOOD[15:20]]))
    _, report = await checked(
        write(tmp_path / "f.jsonl", GOOD[:16]), against={"validation": against}
    )
    assert [(problem.line, problem.code) for problem in row_problems(report)] == [
        (16, "leaked-row")
    ]
    assert "on line 2." in row_problems(report)[0].message


async def test_untrainable_rows_are_reported_once_and_not_compared(tmp_path: Path) -> None:
    path = tmp_path / "plain.jsonl"
    path.write_text("\n".join(f'{{"text": "line {number}"}}' for number in range(12)))
    _, report = await checked(path)
    assert [problem.code for problem in report.problems] == ["unconvertible-format", "few-examples"]
    assert (report.duplicates, report.tokens.total) == (0, 0)


async def test_mixed_formats_are_reported_and_the_most_common_one_counts(
    tmp_path: Path,
) -> None:
    pair = b'{"input": "Where is it?", "ideal_output": "It is on its way."}'
    _, report = await checked(write(tmp_path / "f.jsonl", [pair, *GOOD[:12]]))
    assert report.format is Format.CHAT
    assert [(problem.line, problem.code) for problem in report.problems] == [
        (None, "mixed-formats"),
        (None, "few-examples"),
        (1, "other-format"),
    ]


@pytest.mark.parametrize("damage", [b"NaN", '"Größe"'.encode("cp1252")], ids=["NaN", "cp1252"])
async def test_a_file_without_a_clean_row_is_judged_by_its_rows(
    tmp_path: Path, damage: bytes
) -> None:
    row = b'{"instruction": "Answer.", "input": %b, "output": "It is on its way."}' % damage
    _, report = await checked(write(tmp_path / "f.jsonl", [row] * 12))
    assert report.format is Format.ALPACA
    codes = {problem.code for problem in report.problems}
    assert not codes & {"mixed-formats", "other-format"}


@pytest.mark.parametrize("content", [b"", b"\n\n \r\n"])
async def test_a_file_without_rows_cannot_be_opened(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "empty.jsonl"
    path.write_bytes(content)
    with pytest.raises(FileError, match="has no rows"):
        await Datasets().open(path)


async def test_an_unreadable_file_is_reported_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="is a folder"):
        await Datasets().open(tmp_path)
    with pytest.raises(FileError, match="There is no file"):
        await Datasets().open(tmp_path / "none.jsonl")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileError, match="not a regular file"):
        await Datasets().open(tmp_path / "pipe")


async def test_a_change_during_a_check_is_reported(tmp_path: Path) -> None:
    path = write(tmp_path / "f.jsonl", GOOD * 30)
    dataset = await Datasets().open(path)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(FileError, match="changed while it was read"):
        async for _ in dataset.check():
            pass
    assert len(await dataset.rows(range(3))) == 3


async def test_a_ten_megabyte_line_is_an_ordinary_row(tmp_path: Path) -> None:
    large = json.loads(GOOD[0])
    large["messages"][1]["content"] = "word " * 2_000_000
    dataset, report = await checked(
        write(tmp_path / "f.jsonl", [*GOOD[:10], json.dumps(large).encode(), *GOOD[10:12]])
    )
    assert (report.rows, report.invalid) == (13, 0)
    rows = await dataset.rows(range(9, 12))
    assert [row.line for row in rows] == [10, 11, 12]
    assert len(rows[1].user) <= 300


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(damage=st.dictionaries(st.integers(0, 19), st.binary(min_size=1, max_size=5), min_size=1))
async def test_damage_stays_on_its_own_line(tmp_path: Path, damage: dict[int, bytes]) -> None:
    rows = list(GOOD[:20])
    for row, junk in damage.items():
        rows[row] = rows[row][:60] + junk.replace(b"\n", b"") + rows[row][60:]
    _, report = await checked(write(tmp_path / "f.jsonl", rows))
    touched = {row + 1 for row in damage}
    assert {problem.line for problem in row_problems(report)} <= touched
    assert report.rows == 20
    errors = [problem for problem in report.problems if problem.severity == "error"]
    assert {problem.line for problem in errors if problem.code != "other-encoding"} <= touched


async def test_plain_text_is_distinguished_from_a_chat_file_without_valid_rows(
    tmp_path: Path,
) -> None:
    path = tmp_path / "f.txt"
    path.write_text("Call me Ishmael.\nSome years ago, never mind how long,\n[she] went to sea.\n")
    broken = await Datasets().open(path)
    path.write_text("Call me Ishmael.\nSome years ago, never mind how long,\nI went to sea.\n")
    prose = await Datasets().open(path)
    assert (broken.format, prose.format) == (Format.CHAT, Format.TEXT)
    report = await check_all(prose)
    assert [(problem.line, problem.code) for problem in report.problems[:2]] == [
        (None, "unconvertible-format"),
        (1, "not-json"),
    ]
    path.write_text('"an answer"\n42\nnull\n')
    assert (await Datasets().open(path)).format is Format.CHAT  # values, and no objects
