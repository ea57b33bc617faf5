"""Rows in the shape of an export are converted while they are read; others stay as they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tui.services.reading.json_documents as json_documents
import tui.services.reading.spooled_rows as spooled_rows
from tui.services.errors import FileError
from tui.services.reading.containers import Container, open_rows
from tui.services.reading.row_file import RowFile

ASKED = {"role": "user", "content": "Where?"}
HERE = {"role": "assistant", "content": "Here."}
CHAT = {"messages": [ASKED, HERE]}

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(content: str) -> Path:
        path = tmp_path / "f"
        path.write_text(content, encoding="utf-8")
        return path

    return write


def scanned(path: Path, block: int | None = None) -> RowFile:
    with pytest.MonkeyPatch.context() as patch:
        if block:
            patch.setattr(spooled_rows, "BLOCK", block)
            patch.setattr(spooled_rows, "_FIRST_BLOCK", block)
        rows = open_rows(path)
        while rows.scan():
            pass
    return rows


def values(rows: RowFile) -> list[tuple[int, Any]]:
    return [(rows.line(row), json.loads(rows.read(row))) for row in range(len(rows))]


def lines(*rows: Any) -> str:
    return "\n".join(map(json.dumps, rows))


@pytest.mark.parametrize("block", [None, 1, 7])
def test_bare_lists_become_conversations_on_their_lines(write: Write, block: int | None) -> None:
    rows = scanned(write(f"\n{lines([ASKED, HERE])}\n\n{lines([ASKED])}\r\n"), block)
    assert rows.container_label == "lines of lists of messages"
    assert values(rows) == [(2, CHAT), (4, {"messages": [ASKED]})]


@pytest.mark.parametrize("indent", [None, 1])
def test_an_array_of_lists_is_one_conversation_per_element(write: Write, indent: int) -> None:
    turns = [{"from": "human", "value": "Where?"}, {"from": "gpt", "value": "Here."}]
    rows = scanned(write(json.dumps([turns, turns], indent=indent)), 5)
    assert rows.container is Container.ARRAY
    assert [row for _, row in values(rows)] == [{"conversations": turns}] * 2


def test_json_text_is_parsed_only_in_fields_that_are_nothing_else(write: Write) -> None:
    text = json.dumps([ASKED, HERE])
    tools = [{"type": "function", "function": {"name": "find"}}]
    rows = scanned(write(lines({"messages": text}, {**CHAT, "tools": json.dumps(tools)})))
    assert rows.shape == "with JSON as text"
    assert values(rows) == [(1, CHAT), (2, {**CHAT, "tools": tools})]
    pairs = [{"prompt": "List all", "completion": text}] * 2
    assert scanned(write(lines(*pairs))).shape == ""


def test_rows_that_do_not_have_the_shape_stay_byte_for_byte(write: Write) -> None:
    rows = scanned(write('{"question": "a", "answer": "b"}\n{"question": "a",\n{"x":  [1.50]}\n'))
    assert [rows.read(row) for row in range(len(rows))] == [
        b'{"input":"a","ideal_output":"b"}',
        b'{"question": "a",',
        b'{"x":  [1.50]}',
    ]


def test_a_shape_of_a_few_rows_does_not_change_the_others(write: Write) -> None:
    content = lines(CHAT, CHAT, {"question": "a", "answer": "b"})
    rows = scanned(write(content))
    assert (rows.shape, rows.container_label) == ("", "")


def test_numbers_keep_their_digits_and_duplicate_keys_are_left_to_the_check(write: Write) -> None:
    long = "123456789012345678901234567890"
    content = (
        f'{{"question": "a", "answer": {long}}}\n{{"question": 1, "question": 2, "answer": 3}}'
    )
    rows = scanned(write(content))
    assert rows.read(0) == f'{{"input":"a","ideal_output":{long}}}'.encode()
    assert rows.read(1) == b'{"question": 1, "question": 2, "answer": 3}'


def test_json_in_text_keeps_its_digits_and_is_left_to_the_check_where_a_key_is_there_twice(
    write: Write,
) -> None:
    long = "123456789012345678901234567890"
    whole = f'[{{"role": "user", "content": {long}}}]'
    doubled = '[{"role": "user", "content": "a", "content": "b"}]'
    rows = scanned(write(lines({"messages": whole}, {"messages": doubled})))
    assert rows.read(0) == f'{{"messages":[{{"role":"user","content":{long}}}]}}'.encode()
    assert values(rows)[1] == (2, {"messages": doubled})


@pytest.mark.parametrize("name", ["contents", "data", "rows"])
def test_a_long_first_row_is_a_row_like_the_others(write: Write, name: str) -> None:
    long = {name: [{"text": "x" * (1 << 19)}], "question": "a", "answer": "b"}
    content = lines(long, *[{**long, name: []}] * 3)
    rows = scanned(write(content))
    assert rows.shape == "with other names of fields"
    assert [(line, row["ideal_output"]) for line, row in values(rows)] == [
        (line, "b") for line in (1, 2, 3, 4)
    ]


@pytest.mark.parametrize("block", [None, 7])
@pytest.mark.parametrize(
    ("rest", "is_read"),
    [
        ("", True),
        (', "next": null, "links": {"data": []}}', True),
        (', "rows": [{"messages": []}]}', False),
        ('}\n{"data": [{"messages": []}]}', False),
    ],
)
def test_what_follows_an_array_of_rows_is_named_where_it_may_be_rows(
    write: Write, block: int | None, rest: str, is_read: bool
) -> None:
    rows = scanned(write('{"kind": "list",\n"data": ' + json.dumps([CHAT, CHAT]) + rest), block)
    if rows.container is Container.DOCUMENT:
        assert [row for _, row in values(rows)] == [CHAT, CHAT]
        assert rows.remarks == (
            []
            if is_read
            else [("truncated-container", "What follows the array of rows is not read.")]
        )
    else:
        assert [row for _, row in values(rows)] == [
            {"kind": "list", "data": [CHAT, CHAT]},
            {"data": [{"messages": []}]},
        ]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (["a", "b", "a"], {"a": 1, "b": 2, "a (2)": 3}),
        (5, [1, 2, 3]),
        ("abc", [1, 2, 3]),
        (["a"], [1, 2, 3]),
    ],
)
def test_a_table_of_pandas_keeps_columns_of_one_name(
    write: Write, columns: object, expected: object
) -> None:
    table = {"columns": columns, "index": [0], "data": [[1, 2, 3]]}
    assert values(scanned(write(json.dumps(table)))) == [(1, expected)]


@settings(deadline=None, max_examples=40)
@given(
    texts=st.lists(st.text(max_size=6), min_size=1, max_size=6),
    between=st.sampled_from(["", " ", ",", ",\n", "\n", "\n\n"]),
    block=st.integers(1, 80),
)
def test_rows_that_share_lines_are_all_read(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], between: str, block: int
) -> None:
    path = tmp_path_factory.mktemp("shared") / "f"
    path.write_text(between.join(json.dumps({"Query": "q", "Reply": text}) for text in texts))
    rows = scanned(path, block)
    assert [row for _, row in values(rows)] == [
        {"input": "q", "ideal_output": text} for text in texts
    ]


def test_rows_are_numbered_by_row_once_two_share_a_line(write: Write) -> None:
    first, *two = (json.dumps({"question": name, "answer": "x"}) for name in "ace")
    rows = scanned(write(f"{first}\n\n\n{''.join(two)}"))
    assert rows.counted_by_element
    assert [(line, row["input"]) for line, row in values(rows)] == [(1, "a"), (2, "c"), (3, "e")]


PAIRS = [{"prompt": "a", "completion": "b"}, {"prompt": "c", "completion": "d"}]
VIEWER = [{"row_idx": at, "row": row, "truncated_cells": []} for at, row in enumerate(PAIRS)]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    ("document", "shape"),
    [
        ({"data": PAIRS}, ""),
        ({"version": {"a": [1]}, "examples": PAIRS, "note": "x"}, ""),
        ({"features": [], "rows": VIEWER, "num_rows_total": 2}, "of the dataset viewer"),
        (
            {
                "columns": ["prompt", "completion"],
                "index": [0, 1],
                "data": [["a", "b"], ["c", "d"]],
            },
            "of pandas",
        ),
        ({"0": PAIRS[0], "1": PAIRS[1]}, ""),
        ({"prompt": {"0": "a", "1": "c"}, "completion": {"0": "b", "1": "d"}}, ""),
    ],
)
def test_the_rows_within_one_object_are_read(
    write: Write, document: Any, shape: str, indent: int | None
) -> None:
    rows = scanned(write(json.dumps(document, indent=indent)), 16)
    assert (rows.container, rows.shape) == (Container.DOCUMENT, shape)
    assert [row for _, row in values(rows)] == PAIRS
    assert rows.remarks == []


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_rows_within_an_object_keep_their_lines(write: Write, mark: str) -> None:
    rows = scanned(write(mark + '{\n"data": [\n{"a": 1},\n\n{"a": 2}\n]\n}'))
    assert values(rows) == [(3, {"a": 1}), (5, {"a": 2})]


@pytest.mark.parametrize(
    "row",
    [
        CHAT,
        {"prompt": [ASKED], "completion": [HERE]},
        {"id": "1", "messages": [ASKED, HERE], "rows": [{"a": 1}]},
    ],
)
def test_a_single_row_is_not_taken_for_a_document(write: Write, row: Any) -> None:
    rows = scanned(write(json.dumps(row)))
    assert (rows.container, values(rows)) == (Container.LINES, [(1, row)])


def test_a_row_over_several_lines_after_rows_on_one_is_one_row(write: Write) -> None:
    rows = scanned(write(f"{lines(CHAT, CHAT)}\n{json.dumps(CHAT, indent=2)}\n{lines(CHAT)}\n"))
    assert rows.container is Container.OBJECTS
    assert [row for _, row in values(rows)] == [CHAT] * 4
    assert [line for line, _ in values(rows)][:3] == [1, 2, 3]


def test_a_table_of_pandas_too_large_to_be_read_at_once_is_refused(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_documents, "LONGEST_ROW", 99)
    path = write(json.dumps({"prompt": {str(at): "a" for at in range(50)}}))
    with pytest.raises(FileError, match=r"a table of pandas.*lines=True"):
        scanned(path)
