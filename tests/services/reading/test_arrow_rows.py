"""Parquet and Arrow files are read like any other, without the nulls that their columns add."""

from __future__ import annotations

import datetime
import decimal
import json
import struct
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from tui.services.errors import FileError
from tui.services.reading.containers import Container, open_rows
from tui.services.reading.row_file import RowFile

PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)
LARGE = 1 << 20


def scanned(path: Path) -> RowFile:
    rows = open_rows(path)
    while rows.scan():
        pass
    return rows


def read(path: Path) -> list[Any]:
    rows = scanned(path)
    return [json.loads(rows.read(row)) for row in range(len(rows))]


def write_parquet(path: Path, table: pa.Table) -> None:
    parquet.write_table(table, path, row_group_size=3)


def write_file(path: Path, table: pa.Table) -> None:
    with pa.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table, max_chunksize=3)


def write_stream(path: Path, table: pa.Table) -> None:
    with pa.ipc.new_stream(path, table.schema) as writer:
        writer.write_table(table, max_chunksize=3)


KINDS = pytest.mark.parametrize("write", [write_parquet, write_file, write_stream])


@KINDS
def test_rows_are_those_of_the_table_in_its_order(tmp_path: Path, write: Any) -> None:
    rows = [
        {"prompt": f"Where is order {n}?", "completion": f"It's in hall {n}."} for n in range(10)
    ]
    path = tmp_path / "rows"
    write(path, pa.Table.from_pylist(rows))
    file = scanned(path)
    assert file.container is Container.ARROW
    assert (file.scanned, file.counted_by_element, file.remarks) == (file.size, True, [])
    assert [file.line(row) for row in range(10)] == list(range(1, 11))
    assert read(path) == rows


def test_calls_have_the_arguments_that_were_written_and_no_others(tmp_path: Path) -> None:
    rows = [
        {"arguments": {"part": "p1"}, "properties": {"part": {"type": "string"}}},
        {"arguments": {"x": 1}, "properties": {"x": {"type": "number"}}},
        {"arguments": {}, "properties": {}},
    ]
    table = pa.Table.from_pylist(rows)
    assert table.to_pylist()[0]["arguments"] == {"part": "p1", "x": None}
    path = tmp_path / "calls.parquet"
    parquet.write_table(table, path)
    assert read(path) == rows


def test_values_that_json_lacks_are_text(tmp_path: Path) -> None:
    row = {
        "day": datetime.date(2026, 5, 3),
        "price": decimal.Decimal("12345678901234567890.10"),
        "image": {"bytes": PNG, "path": "a.png"},
        "text": "é".encode(),
        "key": b"\xff\xfe",
        "score": float("nan"),
        "limits": [float("inf"), float("-inf")],
        "none": [1, None],
    }
    path = tmp_path / "values.parquet"
    parquet.write_table(pa.Table.from_pylist([row]), path)
    assert read(path) == [
        {
            "day": "2026-05-03",
            "price": "12345678901234567890.10",
            "image": {"url": "data:image/png;base64,iVBORw0KGgoAAAAAAAAAAA==", "path": "a.png"},
            "text": "é",
            "key": "//4=",
            "limits": ["inf", "-inf"],
            "none": [1, None],
        }
    ]


def test_times_in_nanoseconds_are_kept_in_full(tmp_path: Path) -> None:
    time = pa.array([3_600_000_000_001, None], pa.int64()).cast(pa.time64("ns"))
    nested = pa.StructArray.from_arrays([time], ["at"])
    lists = pa.ListArray.from_arrays(pa.array([0, 1, 2]), nested)
    path = tmp_path / "rows.parquet"
    parquet.write_table(pa.table({"time": time, "nested": nested, "lists": lists}), path)
    text = "01:00:00.000000001"
    assert read(path) == [
        {"time": text, "nested": {"at": text}, "lists": [{"at": text}]},
        {"nested": {}, "lists": [{}]},
    ]


def test_columns_of_one_name_are_both_kept(tmp_path: Path) -> None:
    path = tmp_path / "rows.arrow"
    write_file(path, pa.table([["a"], ["b"]], names=["prompt", "prompt"]))
    assert read(path) == [{"prompt": "a", "prompt (2)": "b"}]


def test_arguments_named_as_the_parts_of_an_image_are_kept(tmp_path: Path) -> None:
    rows = [{"arguments": {"path": "/srv/log", "bytes": 4096}}]
    path = tmp_path / "rows.parquet"
    parquet.write_table(pa.Table.from_pylist(rows), path)
    assert read(path) == rows


@pytest.mark.parametrize(
    "column",
    [
        pa.array([[("part", "a"), ("part", "b")]], pa.map_(pa.string(), pa.string())),
        pa.array([[(b"part", "a")]], pa.map_(pa.binary(), pa.string())),
        pa.array([[({"part": 1}, "a")]], pa.map_(pa.struct([("part", pa.int8())]), pa.string())),
        pa.array([1 << 62], pa.timestamp("us")),
    ],
)
def test_a_value_that_json_cannot_hold_is_no_damage(tmp_path: Path, column: pa.Array) -> None:
    path = tmp_path / "rows.parquet"
    parquet.write_table(pa.table({"value": column}), path)
    with pytest.raises(
        FileError, match=r"rows\.parquet has a value that JSON cannot hold"
    ) as caught:
        scanned(path)
    assert caught.value.remedy == "Export it as JSON Lines."


def test_large_rows_are_read_a_few_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "large.parquet"
    texts = [chr(97 + n) * LARGE for n in range(12)]
    parquet.write_table(pa.table({"text": texts}), path)
    rows = open_rows(path)
    assert rows.scan()
    assert len(rows) < 6
    assert [row["text"] for row in read(path)] == texts


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.text(max_size=5),
    lambda inner: st.dictionaries(st.text("abc", min_size=1, max_size=2), inner, max_size=3),
    max_leaves=6,
)


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: without_nulls(inner) for key, inner in value.items()}
        return {key: inner for key, inner in kept.items() if inner is not None}
    return value


@settings(max_examples=50)
@given(value=VALUES)
def test_any_value_is_read_as_it_was_except_null(
    tmp_path_factory: pytest.TempPathFactory, value: Any
) -> None:
    path = tmp_path_factory.mktemp("any") / "rows.arrow"
    write_file(path, pa.Table.from_pylist([{"id": 1, "value": value}]))
    assert read(path) == [without_nulls({"id": 1, "value": value})]


@pytest.mark.parametrize("begin", [b"PAR1", b"ARROW1\0\0", b"\xff\xff\xff\xff"])
def test_what_only_begins_like_a_table_is_refused_with_a_remedy(
    tmp_path: Path, begin: bytes
) -> None:
    path = tmp_path / "damaged"
    path.write_bytes(begin + b"\x01\x02\x03" * 700)
    with pytest.raises(FileError, match=r"Parquet or Arrow file .* is damaged") as caught:
        scanned(path)
    assert caught.value.remedy == "Download or export it again."


@pytest.mark.parametrize(
    ("middle", "text"), [(-7, b"text"), (1 << 30, b"text"), (2, b"\xff\xfe..")]
)
def test_damaged_texts_are_refused_before_they_are_read(
    tmp_path: Path, middle: int, text: bytes
) -> None:
    path = tmp_path / "rows.arrow"
    buffers = [None, pa.py_buffer(struct.pack("<3i", 0, middle, 4)), pa.py_buffer(text)]
    write_file(path, pa.table({"text": pa.Array.from_buffers(pa.string(), 2, buffers)}))
    with pytest.raises(FileError, match="is damaged"):
        scanned(path)


def test_the_rows_before_a_damage_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "rows.arrow"
    write_stream(path, pa.table({"text": [f"row {n}" for n in range(30)]}))
    path.write_bytes(path.read_bytes()[:-300])
    rows = scanned(path)
    assert 0 < len(rows) < 30
    [(code, message)] = rows.remarks
    assert code == "truncated-container"
    assert message.startswith("The file is damaged (")
    assert message.endswith("); the rows up to there are shown.")


def test_without_pyarrow_the_refusal_names_the_install_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rows.parquet"
    parquet.write_table(pa.table({"text": ["a"]}), path)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(FileError, match="pyarrow is not installed") as caught:
        open_rows(path)
    assert 'pip install "fine-tui[local]"' in caught.value.remedy
