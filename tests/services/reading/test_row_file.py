"""Rows of a file of any size: the right bytes under the right line number."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tui.services.reading.row_file as row_file
from tui.services.reading.row_file import RowFile, rows_between

PIECES = st.sampled_from([b"", b" ", b"\t\r", b"\r", b"{}", b"\xff", b"\x00", b"x" * 7, b"\x0b"])


def scanned(path: Path) -> RowFile:
    rows = RowFile(path)
    while rows.scan():
        pass
    return rows


@given(lines=st.lists(PIECES), ends=st.booleans(), block=st.integers(1, 9))
def test_each_non_blank_line_is_a_row_with_its_line_number(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], ends: bool, block: int
) -> None:
    path = tmp_path_factory.mktemp("rows") / "f.jsonl"
    path.write_bytes(b"\n".join(lines) + (b"\n" if ends and lines else b""))
    expected = [
        (number, line.removesuffix(b"\r"))
        for number, line in enumerate(lines, 1)
        if line.strip(b" \t\r")
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_file, "BLOCK", block)
        rows = scanned(path)
    assert [(rows.line(row), rows.read(row)) for row in range(len(rows))] == expected
    result = rows_between(path, 0, rows.size, 1)
    assert [(line, raw.removesuffix(b"\r")) for line, raw in result] == expected


def test_first_rows_are_available_before_the_rest_is_scanned(tmp_path: Path) -> None:
    path = tmp_path / "large.jsonl"
    with path.open("wb") as file:
        file.truncate(3 << 30)
        file.seek(0)
        file.write(b'{"a": 1}\n' * 10)
    rows = RowFile(path)
    rows.scan()
    assert rows.read(3) == b'{"a": 1}'
    assert rows.scanned == row_file.BLOCK


def test_truncating_an_open_file_is_noticed_without_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    path.write_bytes(b'{"a": 1}\n' * 1000)
    rows = RowFile(path)
    assert not rows.changed()
    rows.scan()
    path.write_bytes(b'{"a": 1}\n{"b')
    assert rows.changed()
    assert rows.read(0) == b'{"a": 1}'
    assert rows.read(1) == b'{"b'
    assert rows.read(999) == b""
    path.unlink()
    assert rows.changed()


def test_a_line_of_70_megabytes_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    line = b'{"text": "%b"}' % (b"x" * 70_000_000)
    path.write_bytes(b"{}\n" + line + b"\n{}\n")
    rows = scanned(path)
    assert len(rows) == 3
    assert rows.read(1) == line
