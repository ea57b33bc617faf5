"""Files are written whole or not at all, and a log survives a crash in the middle of a line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tui.services.errors import FileError
from tui.services.workspace.files import append_json, read_bytes, read_json_lines, write_atomic


async def test_a_write_creates_the_folder_and_replaces_the_whole_file(tmp_path: Path) -> None:
    target = tmp_path / "new" / "file.json"
    await write_atomic(target, b"one")
    await write_atomic(target, b"two")
    assert target.read_bytes() == b"two"
    assert [path.name for path in target.parent.iterdir()] == ["file.json"]


async def test_a_failed_write_leaves_the_old_file_and_no_temporary_one(tmp_path: Path) -> None:
    target = tmp_path / "kept.json"
    target.mkdir()
    with pytest.raises(FileError):
        await write_atomic(target, b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["kept.json"]


async def test_a_written_file_follows_the_umask(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        await write_atomic(tmp_path / "f", b"")
    finally:
        os.umask(mask)
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o640


async def test_appending_after_a_torn_line_loses_only_that_line(tmp_path: Path) -> None:
    log = tmp_path / "jobs" / "events.jsonl"
    await append_json(log, [{"n": 1}])
    with log.open("ab") as file:
        file.write(b'{"n": 2, "cut of')
    await append_json(log, [{"n": 3}])
    assert await read_json_lines(log) == [{"n": 1}, {"n": 3}]


async def test_a_missing_log_is_empty(tmp_path: Path) -> None:
    assert await read_json_lines(tmp_path / "none.jsonl") == []


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: None, "There is no file"),
        (lambda path: path.mkdir(), "is a folder"),
    ],
)
async def test_an_unreadable_file_is_reported_in_a_sentence(tmp_path, make, sentence) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "thing"
    make(path)
    with pytest.raises(FileError, match=sentence):
        await read_bytes(path)


async def test_a_full_disk_is_reported() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.fail("this system has no /dev/full to try a full disk on")
    with pytest.raises(FileError, match="No space left"):
        await append_json(full, [{"n": 1}])
