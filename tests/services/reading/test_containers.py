"""Rows are read from every container under their own line numbers; damage stays in its row."""

from __future__ import annotations

import csv
import gc
import gzip
import io
import json
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections import namedtuple
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.checked_datasets import check_all

import tui.services.reading.spooled_rows as spooled_rows
from tui.domain.submission.job_request import JobRequest
from tui.services.datasets.datasets import Datasets
from tui.services.errors import FileError, InputError
from tui.services.reading.containers import Container, open_rows
from tui.services.reading.row_file import RowFile, rows_between
from tui.services.submission.training_files import TrainingFiles
from tui.services.workspace.workspace import Workspace

USER = {"role": "user", "content": 'Where is "it", [or {not}?'}
SAID = {"role": "assistant", "content": "On its way, \\ truly.\n}]"}
ROW = {"messages": [USER, SAID]}

TEXTS = st.text(st.sampled_from('ab"\\{}[],:\n é'), max_size=8)
ROWS = st.lists(st.fixed_dictionaries({"id": st.integers(), "said": TEXTS}), min_size=1, max_size=6)


def scanned(path: Path, block: int | None = None) -> RowFile:
    with pytest.MonkeyPatch.context() as patch:
        if block:
            patch.setattr(spooled_rows, "BLOCK", block)
        rows = open_rows(path)
        scan_all(rows)
    return rows


def scan_all(rows: RowFile) -> None:
    while rows.scan():
        pass


def read_all(rows: RowFile) -> list[tuple[int, bytes]]:
    """Line and bytes of all rows, which must be those that worker processes read."""
    result = [(rows.line(row), rows.read(row)) for row in range(len(rows))]
    raw_lines = rows_between(rows.data_path, 0, rows.data_size, 1)
    assert [(line, raw.removesuffix(b"\r")) for line, raw in raw_lines] == result
    return result


def values(rows: RowFile) -> list[tuple[int, Any]]:
    return [(line, json.loads(raw)) for line, raw in read_all(rows)]


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str | bytes], Path]:
    def write(content: str | bytes) -> Path:
        path = tmp_path / "f"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


Write = Callable[[str | bytes], Path]


@pytest.mark.parametrize(
    ("content", "container"),
    [
        (json.dumps(ROW) + "\n" + json.dumps(ROW), Container.LINES),
        (json.dumps(ROW), Container.LINES),
        ('{"messages": [\n{"messages": []}\n', Container.LINES),
        ('{"a": NaN}\n{"a": 1}\n', Container.LINES),
        ("[1, 2]\n[3, 4]\n", Container.LINES),
        ("just, some\nprose, in lines\nwith, commas: and (more)!\n", Container.LINES),
        ("\ufeff" + json.dumps([ROW]), Container.ARRAY),
        ("\n\n [\n" + json.dumps(ROW), Container.ARRAY),
        ("[", Container.ARRAY),
        (json.dumps(ROW, indent=2), Container.OBJECTS),
        ('{\n"a": "damaged\n}\n{\n"a": 1}', Container.OBJECTS),
        ("input,ideal_output\na,b\n", Container.CSV),
        ("\ufeffInput;Ideal Output;Extra\r\na;b;c\r\n", Container.CSV),
        ("sep=;\r\nfoo;bar\r\n1;2\r\n", Container.CSV),
        ("prompt|completion\na|b\n", Container.CSV),
        ("input\tideal_output\na, b\tc\n", Container.TSV),
        ("question,answer\na,b\nc,d\n", Container.CSV),
        ('messages\n"[{""role"": ""user""}]"\n', Container.CSV),
        ("damaged\n" + json.dumps(ROW), Container.LINES),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_the_container_is_detected_from_the_content(
    write: Write, content: str, container: Container, packed: bool
) -> None:
    raw = content.encode()
    rows = open_rows(write(gzip.compress(raw) if packed else raw))
    assert (rows.container, rows.packed) == (container, packed)


@settings(deadline=None)
@given(rows=ROWS, data=st.data(), block=st.integers(1, 60), packed=st.booleans())
def test_array_elements_keep_their_lines_of_the_source(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[Any],
    data: st.DataObject,
    block: int,
    packed: bool,
) -> None:
    between = data.draw(st.sampled_from([",\n", "\n,\n\n", " , ", ",\r\n  "]))
    indent = data.draw(st.sampled_from([None, 1]))
    spread = data.draw(st.sampled_from(["", "\n", "\r\n\r\n "]))
    text, lines = "[" + spread, []
    for row in rows:
        lines.append(1 + text.count("\n"))
        text += json.dumps(row, indent=indent, ensure_ascii=False) + between
    text = text.removesuffix(between) + spread + "]\n"
    path = tmp_path_factory.mktemp("array") / "f"
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    result = scanned(path, block)
    shared = len(set(lines)) < len(lines)
    assert result.counted_by_element is shared
    assert values(result) == list(zip(range(1, 99) if shared else lines, rows, strict=False))
    assert result.remarks == []


DAMAGES: dict[str, Callable[[str], str]] = {
    "a quote is missing": lambda text: text.replace('way"', "way"),
    "a quote is too many": lambda text: text.replace('way"', 'way""'),
    "a bracket is missing": lambda text: text.replace("]", ""),
    "the last bracket is missing": lambda text: text[:-1],
    "a bracket is too many": lambda text: text + "}",
    "an inner bracket is too many": lambda text: text.replace("]", "]]"),
    "a bracket is the wrong one": lambda text: text.replace("]", "}"),
    "its beginning is missing": lambda text: text[1:],
    "a line break stands in a string": lambda text: text.replace("way", "way\n"),
    "it is cut off": lambda text: text[:30],
    "it is a word": lambda text: "damaged",
    "it is NaN": lambda text: text.replace('"user"', "NaN"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("indent", [None, 2], ids=["compact", "indented"])
@pytest.mark.parametrize("between", [", ", ",\n"], ids=["one line", "a line each"])
def test_a_damaged_element_is_one_bad_row(
    write: Write, damage: Callable[[str], str], place: int, indent: int | None, between: str
) -> None:
    row = {"messages": [{"role": "user", "content": "Where?"}, {"role": "a", "content": "On way"}]}
    texts = [json.dumps({**row, "id": number}, indent=indent) for number in range(3)]
    texts[place] = damage(texts[place])
    rows = scanned(write("[" + between.join(texts) + "]"))
    result = read_all(rows)
    good = [at for at in range(3) if at != place]
    assert len(result) == 3, result
    assert [orjson.loads(result[at][1])["id"] for at in good] == good
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(result[place][1])
    cut_at_the_end = damage is DAMAGES["it is cut off"] and place == 2
    assert cut_at_the_end or rows.remarks == []


def test_the_delimiter_of_one_column_splits_no_text(write: Write) -> None:
    texts = ["The lamp, which is new, stays dark.", "Is it broken; or not?"]
    rows = scanned(write("\n".join(["text", *texts]) + "\n"))
    assert rows.container in (Container.CSV, Container.TSV)
    assert values(rows) == [(2, {"text": texts[0]}), (3, {"text": texts[1]})]


def test_an_element_that_is_not_an_object_is_a_row(write: Write) -> None:
    result = values(scanned(write('[1,\n"a, ]b",\nnull,\n[[2], {"a": [3]}],\n[],\n{"a": {}}]')))
    assert result == [
        *((1, 1), (2, "a, ]b"), (3, None), (4, [[2], {"a": [3]}]), (5, []), (6, {"a": {}}))
    ]


def test_consecutive_arrays_are_all_read(write: Write) -> None:
    assert values(scanned(write('[\n{"a": 1}\n]\n[\n{"a": 2},\n]\n{"a": 3}'))) == [
        *((2, {"a": 1}), (5, {"a": 2}), (7, {"a": 3}))
    ]


def test_rows_are_renumbered_when_two_share_a_line_late_in_the_file(write: Write) -> None:
    rows = [{"a": number} for number in range(20)]
    text = "[\n\n" + ",\n\n".join(map(json.dumps, rows)) + ', {"a": 20},\n{"a": 21}]'
    path = write(text)
    result = scanned(path, block=50)
    assert result.counted_by_element
    assert values(result) == [(number + 1, {"a": number}) for number in range(22)]


@pytest.mark.parametrize("cut", [1, 2, 5, 40])
def test_an_unclosed_array_is_reported_and_its_rows_are_read(write: Write, cut: int) -> None:
    text = json.dumps([ROW, ROW, ROW], indent=1)[:-cut]
    rows = scanned(write(text))
    [(code, message)] = rows.remarks
    assert code == "truncated-container"
    assert f"the file ends on line {text.count(chr(10)) + 1}." in message
    result = read_all(rows)
    assert [line for line, _ in result] == [2, 14, 26]
    assert [orjson.loads(raw) for _, raw in result[:2]] == [ROW, ROW]


def test_an_object_over_many_lines_is_one_row_on_its_first_line(write: Write) -> None:
    rows = scanned(write("\n\n" + json.dumps(ROW, indent=4)))
    assert rows.container is Container.OBJECTS
    assert values(rows) == [(3, ROW)]


def test_a_damaged_object_over_many_lines_spares_the_others(write: Write) -> None:
    indented = json.dumps(ROW, indent=4)
    lines = indented.count("\n") + 1
    damaged = indented.replace('"user"', '"user')
    rows = scanned(write(f"{indented}\n{damaged}\n{indented}\n"))
    result = read_all(rows)
    assert [line for line, _ in result] == [1, 1 + lines, 1 + 2 * lines]
    assert orjson.loads(result[2][1]) == ROW


def test_a_table_becomes_rows_on_the_lines_of_its_records(write: Write) -> None:
    text = (
        "input,ideal_output\r\n"
        '"a ""quoted"", word\r\nand a second line","b"\r\n'
        "\r\n"
        "plain,\r\n"
        'a "b" c,"x" y\r\n'
        '"nul \0 and émoji 🙂",d'
    )
    rows = scanned(write(text))
    assert values(rows) == [
        (2, {"input": 'a "quoted", word\r\nand a second line', "ideal_output": "b"}),
        (5, {"input": "plain", "ideal_output": ""}),
        (6, {"input": 'a "b" c', "ideal_output": '"x" y'}),
        (7, {"input": "nul \0 and émoji 🙂", "ideal_output": "d"}),
    ]


@pytest.mark.parametrize("block", [1, 7, None])
@pytest.mark.parametrize("start", ["", "\ufeff", "sep=,\r"])
def test_a_table_of_an_old_mac_is_read_on_its_lines(
    write: Write, start: str, block: int | None
) -> None:
    text = f'{start}input,ideal_output\rWhere?,"On its\rway, truly."\r\rWhen?,"To\nday"'
    first = start.count("\r") + 2
    rows = scanned(write(text), block)
    assert rows.container is Container.CSV
    assert values(rows) == [
        (first, {"input": "Where?", "ideal_output": "On its\nway, truly."}),
        (first + 3, {"input": "When?", "ideal_output": "To\nday"}),
    ]


CELLS = st.lists(
    st.tuples(*[st.text(st.sampled_from('ab",;\r\n é\0'), max_size=6)] * 2), max_size=8
)


@settings(deadline=None)
@given(
    records=CELLS,
    delimiter=st.sampled_from(",;|\t"),
    end=st.sampled_from(["\n", "\r\n"]),
    block=st.integers(1, 40),
)
def test_tables_of_the_csv_module_are_read_unchanged(
    tmp_path_factory: pytest.TempPathFactory,
    records: list[tuple[str, str]],
    delimiter: str,
    end: str,
    block: int,
) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow(["input", "ideal_output"])
    lines = []
    for record in records:
        lines.append(1 + buffer.getvalue().count("\n"))
        writer.writerow(record)
    path = tmp_path_factory.mktemp("table") / "f.csv"
    path.write_bytes(buffer.getvalue().encode())
    expected = [
        (line, dict(zip(("input", "ideal_output"), record, strict=True)))
        for line, record in zip(lines, records, strict=True)
        if any(cell.strip() for cell in record)
    ]
    for _, row in expected:
        if not row["input"]:
            del row["input"]
    assert values(scanned(path, block)) == expected


def test_a_spreadsheet_with_semicolons_and_a_byte_order_mark_is_read(write: Write) -> None:
    text = "\ufeffSystem;Input;Ideal Output;;Input\r\nBe kind;1,5 kg;2,5 kg;x;y\r\n;;;;\r\n;;;;\r\n"
    assert values(scanned(write(text))) == [
        (
            2,
            {
                "system": "Be kind",
                "input": "1,5 kg",
                "ideal_output": "2,5 kg",
                "column 4": "x",
                "input (2)": "y",
            },
        )
    ]


def test_a_numbered_name_never_replaces_a_column_of_that_name(write: Write) -> None:
    text = "input,ideal_output,input,input (2),,column 5\nx,y,1,2,3,4\n"
    [(_, row)] = values(scanned(write(text)))
    assert [*row.values()] == ["x", "y", "1", "2", "3", "4"]


def test_lists_in_cells_are_lists_in_the_row(write: Write) -> None:
    messages = json.dumps(ROW["messages"], indent=1)
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerows([["messages", "tools", "prompt", "completion"], [messages, "", "[1]", "[x"]])
    [(line, row)] = values(scanned(write(buffer.getvalue())))
    assert (line, row) == (2, {"messages": ROW["messages"], "prompt": "[1]", "completion": "[x"})


def test_records_of_the_wrong_width_are_reported(write: Write) -> None:
    rows = values(scanned(write("input,ideal_output\na\na,b,c,d\na,b,,\n")))
    assert rows == [
        (2, {"input": "a"}),
        (3, {"input": "a", "ideal_output": "b", "": ["c", "d"]}),
        (4, {"input": "a", "ideal_output": "b"}),
    ]


def test_an_unclosed_quote_damages_one_line(write: Write) -> None:
    text = 'input,ideal_output\na,"b\n"c","d"\n"e","f"\ng,"h'
    assert values(scanned(write(text))) == [
        (2, {"input": "a", "ideal_output": '"b', "": ['a,"b']}),
        (3, {"input": "c", "ideal_output": "d"}),
        (4, {"input": "e", "ideal_output": "f"}),
        (5, {"input": "g", "ideal_output": '"h', "": ['g,"h']}),
    ]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (r'"He said \"A, B\" twice"', 'He said "A, B" twice'),
        (r'"C:\dir and \"x\""', r'C:\dir and "x"'),
        ('"two \\"lines\\"\nof it"', 'two "lines"\nof it'),
    ],
)
def test_quotes_behind_a_backslash_are_read_as_databases_export_them(
    write: Write, cell: str, text: str
) -> None:
    rows = scanned(write(f"input,ideal_output\n{cell},b\nc,d\n"))
    assert [row for _, row in values(rows)] == [
        {"input": text, "ideal_output": "b"},
        {"input": "c", "ideal_output": "d"},
    ]
    assert rows.remarks == []


def test_quotes_that_are_not_doubled_are_text_and_reported(write: Write) -> None:
    rows = scanned(write('input,ideal_output\na,"He said "A" twice"\n"x" y,"b"\n'))
    assert [row for _, row in values(rows)] == [
        {"input": "a", "ideal_output": 'He said "A" twice'},
        {"input": '"x" y', "ideal_output": "b"},
    ]
    text = "Quotes are not doubled in 2 records, the first on line 2."
    assert rows.remarks == [("unescaped-quotes", text)]


def test_unclosed_quotes_in_a_table_with_tabs_are_text(
    write: Write,
) -> None:
    rows = values(scanned(write('input\tideal_output\n"a\tb\nc\td" e\n')))
    assert rows == [
        (2, {"input": '"a', "ideal_output": "b"}),
        (3, {"input": "c", "ideal_output": 'd" e'}),
    ]


def test_a_cell_in_another_encoding_damages_its_row_alone(write: Write) -> None:
    text = "input,ideal_output\ncafé,b\n".encode("latin-1") + 'c,"[é"\n'.encode()
    rows = scanned(write(text))
    (_, damaged), (_, undamaged) = read_all(rows)
    assert damaged == b'{"input":"caf\xe9","ideal_output":"b"}'
    assert orjson.loads(undamaged) == {"input": "c", "ideal_output": "[é"}


def test_a_huge_cell_and_a_huge_line_are_read_completely(write: Write) -> None:
    huge = 'x"\n' * 2_000_000
    quoted = huge.replace('"', '""')
    [(line, row)] = values(scanned(write(f'input,ideal_output\na,"{quoted}"\n')))
    assert (line, row) == (2, {"input": "a", "ideal_output": huge})
    element = {"messages": [{"role": "user", "content": huge}]}
    assert values(scanned(write("[\n" + json.dumps(element) + ",\n1]"))) == [(2, element), (3, 1)]


def test_lines_in_gzip_keep_their_numbers_in_any_number_of_members(write: Write) -> None:
    line = json.dumps(ROW).encode()
    first, second = line + b"\n\n" + line[:20], line[20:] + b"\r\n" + b"{\xff}"
    packed = gzip.compress(first) + gzip.compress(b"") + gzip.compress(second) + bytes(1000)
    rows = scanned(write(packed))
    assert read_all(rows) == [(1, line), (3, line), (4, b"{\xff}")]
    assert rows.remarks == []
    assert rows.scanned == rows.size


def packed_lines(count: int) -> bytes:
    return gzip.compress(
        b"".join(b'{"messages": [%d]}\n' % (number * 7919) for number in range(count))
    )


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_truncated_gzip_gives_the_rows_before_the_end(write: Write, share: float) -> None:
    packed = packed_lines(50_000)
    rows = scanned(write(packed[: int(len(packed) * share)]))
    assert 50_000 * (share - 0.1) < len(rows) < 50_000
    assert orjson.loads(rows.read(0)) == {"messages": [0]}
    [(code, message)] = rows.remarks
    assert code == "truncated-container"
    assert message.startswith("The gzip data ends too early")


@pytest.mark.parametrize("member", [1 << 12, 1 << 30])
@pytest.mark.parametrize(
    ("start", "between", "container"),
    [
        ("", "\n", Container.LINES),
        ("", ", ", Container.OBJECTS),
        ('{"data": [', ",", Container.DOCUMENT),
        ("[", ",", Container.ARRAY),
    ],
)
def test_the_first_row_in_gzip_may_be_long(
    write: Write, start: str, between: str, container: Container, member: int
) -> None:
    rows = [{"input": "Where? " * 60_000, "ideal_output": str(number)} for number in range(3)]
    ends = {"": "", "[": "]"}
    text = start + between.join(map(json.dumps, rows)) + ends.get(start, "]}")
    parts = (text[at : at + member].encode() for at in range(0, len(text), member))
    read = scanned(write(b"".join(map(gzip.compress, parts))))
    assert (read.container, read.packed) == (container, True)
    assert [orjson.loads(raw) for _, raw in read_all(read)] == rows


def test_a_damaged_byte_in_gzip_ends_the_rows(write: Write) -> None:
    packed = bytearray(packed_lines(50_000))
    packed[len(packed) // 2] ^= 0xFF
    rows = scanned(write(bytes(packed)))
    assert len(rows) > 20_000
    assert [code for code, _ in rows.remarks] == ["truncated-container"]


def test_damage_in_the_second_gzip_member_ends_the_rows(write: Write) -> None:
    rows = scanned(write(packed_lines(10) + b"\x1f\x8b nothing of gzip"))
    assert len(rows) == 10
    assert "damaged" in rows.remarks[0][1]


def test_a_wrong_gzip_checksum_loses_no_row(write: Write) -> None:
    packed = bytearray(packed_lines(10))
    packed[-6] ^= 0xFF
    rows = scanned(write(bytes(packed)))
    assert len(rows) == 10
    assert "damaged" in rows.remarks[0][1]


def test_bytes_after_gzip_data_are_reported(write: Write) -> None:
    rows = scanned(write(packed_lines(10) + b"hello"))
    assert len(rows) == 10
    assert "Other bytes follow" in rows.remarks[0][1]


@settings(deadline=None)
@given(packed=st.binary(max_size=60), cut=st.integers(0, 200))
def test_random_bytes_that_begin_like_gzip_do_not_crash(
    tmp_path_factory: pytest.TempPathFactory, packed: bytes, cut: int
) -> None:
    path = tmp_path_factory.mktemp("gz") / "f"
    path.write_bytes((packed_lines(20)[:cut] or b"\x1f\x8b") + packed)
    with suppress(FileError):
        rows = scanned(path)
        assert all(rows.read(row) for row in range(len(rows)))


Usage = namedtuple("Usage", "total used free")


def by_words(value: object) -> str:
    """Stable test ids: gzip data contain the time."""
    return value if isinstance(value, str) else "content"


def test_a_gzip_bomb_stops_before_the_disk_is_full(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The data unpack to 54 MB; the disk has 8 MB more than the reserve."""
    block = zlib.compressobj(wbits=31)
    bomb = b"".join(block.compress(b'{"a": 1}\n' * 100_000) for _ in range(60)) + block.flush()
    rows = open_rows(write(bomb))
    room = spooled_rows.MIN_FREE + (8 << 20)
    monkeypatch.setattr(
        "shutil.disk_usage", lambda _: Usage(0, 0, room - rows.data_path.stat().st_size)
    )
    assert rows.scan()
    for _ in range(2):
        with pytest.raises(FileError, match="needs more space than is free") as caught:
            scan_all(rows)
    assert "TMPDIR" in caught.value.remedy
    assert rows.data_path.stat().st_size <= 8 << 20
    assert rows.read(0) == b'{"a": 1}'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04" + bytes(100), "zip"),
        (b"\x28\xb5\x2f\xfdxyz", "Zstandard"),
        (b"\xfd7zXZ\0\0", "xz"),
        (b"BZh91AY&SYxyz", "bzip2"),
        (gzip.compress(gzip.compress(b"{}")), "gzip twice"),
        (gzip.compress(b"PAR1" + bytes(100)), "Parquet"),
        (bytes(range(256)) * 4, "binary"),
        (bytes(1000), "binary"),
        (b"\x1f\x8bnothing of gzip", "looks like a gzip file"),
        (gzip.compress(b"{}")[:11], "looks like a gzip file"),
    ],
    ids=by_words,
)
def test_a_file_that_is_not_text_is_refused_with_a_remedy(
    write: Write, content: bytes, message: str
) -> None:
    with pytest.raises(FileError, match=message) as caught:
        open_rows(write(content))
    assert caught.value.remedy


def test_a_few_nul_bytes_are_not_a_binary_file(write: Write) -> None:
    text = json.dumps(ROW).encode() + b"\n{\0\0\0}\n"
    assert len(scanned(write(text))) == 2


def test_a_change_during_unpacking_is_noticed_without_a_crash(
    write: Write,
) -> None:
    packed = packed_lines(100_000)
    path = write(packed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spooled_rows, "BLOCK", 1 << 16)
        rows = open_rows(path)
        rows.scan()
        path.write_bytes(packed[:1000])
        while rows.scan():
            pass
    assert rows.changed()
    assert rows.cut_short
    assert rows.read(0) == b'{"messages": [0]}'
    assert rows.remarks


def test_the_spool_is_removed_with_the_rows_or_after_the_process(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(json.dumps([ROW, ROW]))
    rows = scanned(path)
    spool = rows.data_path
    assert spool.exists()
    del rows
    gc.collect()
    assert not spool.exists()
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    orphan = folder / "ftui-rows-left.jsonl"
    orphan.touch()
    used = open_rows(path).data_path
    assert orphan.exists(), "it may be one that is about to be locked"
    assert not used.exists()
    code = f"from tui.services.reading.containers import *; from pathlib import Path; import os; \
r = open_rows(Path({str(path)!r})); print(r.data_path, flush=True); input(); os._exit(1)"
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        env={"TMPDIR": str(folder), "PATH": ""},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout
    theirs = Path(child.stdout.readline().strip())
    monkeypatch.setattr(spooled_rows, "_LOCK_SECONDS", -time.time())
    spooled_rows.remove_leftovers()
    assert not orphan.exists()
    assert theirs.exists()
    child.communicate("\n")
    assert theirs.exists()
    spooled_rows.remove_leftovers()
    assert not theirs.exists()


def test_rows_are_read_during_unpacking(write: Write) -> None:
    rows = open_rows(write(json.dumps([{"a": number} for number in range(30_000)])))
    rows.scan()
    wrong: list[int] = []

    def read() -> None:
        while not rows.complete:
            wrong.extend(row for row in (0, 1, 7) if orjson.loads(rows.read(row)) != {"a": row})

    reader = threading.Thread(target=read)
    reader.start()
    while rows.scan():
        pass
    reader.join()
    assert not wrong
    assert len(rows) == 30_000


def test_a_cached_index_saves_scanning_but_not_unpacking(write: Write, tmp_path: Path) -> None:
    text = (json.dumps(ROW) + "\n\n") * 3
    indexed = scanned(write(text))
    again = open_rows(indexed.path)
    assert again.adopt(*indexed.index())
    assert again.complete
    assert read_all(again) == read_all(indexed)
    path = tmp_path / "packed"
    path.write_bytes(gzip.compress(text.encode()))
    assert not open_rows(path).adopt(*indexed.index())


@pytest.mark.parametrize(
    ("content", "label"),
    [
        (json.dumps([ROW] * 12).encode(), "a JSON array"),
        (gzip.compress((json.dumps(ROW) + "\n").encode() * 12), "lines, packed with gzip"),
    ],
    ids=by_words,
)
async def test_containers_are_reported_by_check_and_refused_for_training(
    write: Write, content: bytes, label: str
) -> None:
    path = write(content)
    report = await check_all(await Datasets().open(path))
    assert (report.rows, report.valid) == (12, 12)
    [conversion] = [problem for problem in report.problems if problem.code == "needs-conversion"]
    assert conversion.message == f"The file is {label}; training needs JSON Lines in UTF-8."
    request = JobRequest(training_file=path, model="m", provider="local")
    files = TrainingFiles(Datasets(), Workspace(path.parent / ".ftui"), path.parent / "home")
    with pytest.raises(InputError, match=label) as caught:
        await files.prepare(request)
    assert f"ftui check {path}" in caught.value.remedy
