"""Files in other encodings than UTF-8: every container, line numbers, undecodable bytes."""

from __future__ import annotations

import csv
import gzip
import io
import json
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tui.domain.rows.encodings import encoding_named
from tui.services.errors import FileError
from tui.services.reading import spooled_rows
from tui.services.reading.containers import open_rows
from tui.services.reading.row_file import RowFile

NAMES = ["cp1252", "latin-1", "gbk", "shift_jis", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
SAID = {
    "cp1252": "Où – à l’hôtel ?",
    "latin-1": "¿Dónde está?",
    "gbk": "我的订单在哪里？",
    "shift_jis": "表の注文はどこですか。ソース",
}


def scanned(path: Path, name: str | None, block: int = 1 << 16) -> RowFile:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spooled_rows, "BLOCK", block)
        rows = open_rows(path, encoding_named(name) if name else None)
        scan_all(rows)
    return rows


def scan_all(rows: RowFile) -> None:
    while rows.scan():
        pass


def values(rows: RowFile) -> list[tuple[int, object]]:
    return [(rows.line(row), json.loads(rows.read(row))) for row in range(len(rows))]


@cache
def alphabet(name: str) -> str:
    """The characters of an encoding that come back from it, without controls."""
    every = "".join(
        map(chr, [*range(32, 0xD800), *range(0xE000, 0xFEFF), *range(0x1F300, 0x1F400)])
    )
    kept = every.encode(name, "ignore").decode(name)
    return "".join(sorted({*kept} & {*every}))


def lines(texts: list[str]) -> str:
    return "".join(json.dumps({"input": text}, ensure_ascii=False) + "\n" for text in texts)


def table(texts: list[str]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["input", "ideal_output"])
    writer.writerows([text, "Here."] for text in texts)
    return out.getvalue()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_lines_and_tables_keep_their_text_and_line_numbers(
    tmp_path: Path, name: str, packed: bool
) -> None:
    said = SAID.get(name, "Où 我 か – 🎈")
    pack = gzip.compress if packed else bytes
    path = tmp_path / "file"
    path.write_bytes(pack(("\n" + lines([said, said])).encode(name)))
    rows = scanned(path, name, block=7)
    assert values(rows) == [(2, {"input": said}), (3, {"input": said})]
    assert rows.encoding != "utf-8"
    assert rows.packed is packed
    path.write_bytes(pack(table([f"{said}\n{said}", said]).encode(name)))
    assert values(scanned(path, name, block=7)) == [
        (2, {"input": f"{said}\n{said}", "ideal_output": "Here."}),
        (4, {"input": said, "ideal_output": "Here."}),
    ]


@pytest.mark.parametrize("name", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_utf_16_and_32_need_no_flag(tmp_path: Path, name: str) -> None:
    path = tmp_path / "file"
    for text in (lines(["Où 我?"]), table(["Où 我?"]), json.dumps([{"input": "Où 我?"}], indent=1)):
        path.write_bytes(text.encode(name))
        rows = scanned(path, None)
        assert [value["input"] for _, value in values(rows)] == ["Où 我?"]  # type: ignore[index]
        assert rows.container_label.endswith(name.upper()[:6])


@pytest.mark.parametrize(
    ("name", "text"), [("cp1252", "Où – ?"), ("gbk", "哪里？"), ("utf-8", "\ufeffOù ?")]
)
def test_a_file_in_utf_8_can_be_named_too(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / "file.jsonl"
    path.write_bytes(lines([text.strip("\ufeff")]).encode(name))
    assert values(scanned(path, name)) == [(1, {"input": text.strip("\ufeff")})]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), name=st.sampled_from(NAMES), block=st.integers(1, 40))
def test_any_text_survives_its_encoding(
    tmp_path: Path, data: st.DataObject, name: str, block: int
) -> None:
    letters = st.sampled_from(alphabet(name))
    texts = data.draw(st.lists(st.text(letters, min_size=1, max_size=12), min_size=1, max_size=5))
    path = tmp_path / "file"
    path.write_bytes(lines(texts).encode(name))
    assert values(scanned(path, name, block)) == [
        (line, {"input": text}) for line, text in enumerate(texts, 1)
    ]
    path.write_bytes(table(texts).encode(name))
    assert values(scanned(path, name, block)) == [
        (line, {"input": text, "ideal_output": "Here."}) for line, text in enumerate(texts, 2)
    ]


@pytest.mark.parametrize("block", [5, 1 << 16])
@pytest.mark.parametrize(("name", "bad"), [("cp1252", 0x81), ("gbk", 0xFF), ("shift_jis", 0x81)])
def test_bytes_that_cannot_be_decoded_are_named_by_position(
    tmp_path: Path, name: str, bad: int, block: int
) -> None:
    rows = 3 if block == 5 else 30_000
    good = lines([SAID[name]] * rows).encode(name)
    path = tmp_path / "file.jsonl"
    path.write_bytes(good + bytes([bad]) + b"\n")
    with pytest.raises(FileError) as caught:
        scanned(path, name, block)
    assert f"byte {len(good) + 1:,} (0x{bad:02x})" in caught.value.message
    assert caught.value.remedy


def test_a_failed_scan_fails_again(tmp_path: Path) -> None:
    path = tmp_path / "file.jsonl"
    path.write_bytes(lines(["a" * 80] * 30_000).encode("cp1252") + b"\x81\n")
    rows = open_rows(path, "cp1252")
    for _ in range(2):
        with pytest.raises(FileError, match="cannot be decoded"):
            scan_all(rows)


def test_a_file_that_ends_within_a_character_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.jsonl"
    path.write_bytes(lines(["a"]).encode("utf-16-le")[:-1])
    with pytest.raises(FileError, match="byte 29"):
        scanned(path, None)


def test_a_cut_gzip_file_shows_the_rows_before(tmp_path: Path) -> None:
    path = tmp_path / "file.jsonl.gz"
    text = "".join(lines([f"{number:x} Où {number**9} ?"]) for number in range(5000))
    path.write_bytes(gzip.compress(text.encode("utf-16-le"))[:-3000])
    rows = scanned(path, None)
    assert len(rows) > 100
    assert [code for code, _ in rows.remarks] == ["truncated-container"]
