"""The diff shown before a row is changed: removed and added lines, limited in number."""

from __future__ import annotations

import json
import time
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.sample_rows import chat_row

from tui.domain.rows.diff import CUT, LONGEST_DIFF, LONGEST_LINE, DiffLine, pretty_row, row_diff


def raw(value: Any) -> bytes:
    return json.dumps(value).encode()


def changed(lines: list[DiffLine]) -> list[tuple[str, str]]:
    return [(line.kind, line.text.strip()) for line in lines if line.kind != "same"]


def test_a_changed_message_is_shown_with_its_context() -> None:
    before = raw(chat_row("Where is it?", "It is on its way. "))
    after = raw(chat_row("Where is it?", "It is on its way."))
    lines = row_diff(before, after)
    assert changed(lines) == [
        ("removed", '"content": "It is on its way. "'),
        ("added", '"content": "It is on its way."'),
    ]
    assert [line.text.strip() for line in lines][:4] == ["…", "},", "{", '"role": "assistant",']
    assert lines[0] == CUT


def test_equal_rows_have_no_diff() -> None:
    row = raw(chat_row("Where is it?", "It is on its way."))
    assert row_diff(row, row) == []


def test_a_removed_byte_order_mark_is_shown_in_the_raw_row() -> None:
    row = raw(chat_row("Where is it?", "It is on its way."))
    assert [kind for kind, _ in changed(row_diff(b"\xef\xbb\xbf" + row, row))] == [
        "removed",
        "added",
    ]


def test_the_diff_of_a_completed_row_shows_its_end() -> None:
    row = raw(chat_row("Where is it? " * 1000, "It is on its way."))
    assert changed(row_diff(row[:-3], row))[1][1].endswith('It is on its way."}]}')


def test_a_duplicate_key_is_shown_in_the_raw_row() -> None:
    lines = row_diff(b'{"a": 1, "a": 1}', b'{"a": 1}')
    assert changed(lines) == [("removed", '{"a": 1, "a": 1}'), ("added", '{"a": 1}')]
    assert pretty_row(b'{"a": 1, "a": 1}') is None


def test_in_a_row_with_nan_only_the_changed_value_is_marked() -> None:
    before = b'{"messages":[],  "score":NaN, "best": -Infinity}'
    after = b'{"messages":[],"score":null,"best":-Infinity}'
    assert changed(row_diff(before, after)) == [
        ("removed", '"score": NaN,'),
        ("added", '"score": null,'),
    ]


def test_a_lone_surrogate_beside_nan_is_shown_in_the_raw_row() -> None:
    assert pretty_row(b'{"a": "\\ud83d", "b": NaN}') is None


def test_bytes_that_are_not_utf8_are_escaped() -> None:
    assert changed(row_diff(b'{"a": "\xe4"}', b"{}"))[0] == ("removed", r'{"a": "\xe4"}')


def test_diffs_of_huge_rows_are_shortened() -> None:
    began = time.monotonic()
    long = raw(chat_row("word " * 2_000_000, "It is on its way. "))
    many = [raw({"values": list(range(first, first + 100_000))}) for first in (0, 7)]
    for before, after in ((long, raw(chat_row("word " * 2_000_000, "No."))), many):
        lines = row_diff(before, after)
        assert 1 < len(lines) <= LONGEST_DIFF
        assert all(len(line.text) <= LONGEST_LINE + 2 for line in lines)
    assert time.monotonic() - began < 10


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_any_two_rows_of_bytes_can_be_compared(before: bytes, after: bytes) -> None:
    lines = row_diff(before, after)
    assert bool(changed(lines)) is (before != after)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=10,
    ).map(lambda value: {"messages": value})
)
def test_an_indented_row_has_the_same_value(value: dict[str, Any]) -> None:
    indented = pretty_row(raw(value))
    assert indented is not None
    assert json.loads(indented) == value
