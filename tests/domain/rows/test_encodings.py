"""Names of encodings, and UTF-16 and UTF-32 recognised by the first bytes."""

from __future__ import annotations

import pytest

from tui.domain.rows.encodings import (
    COMMON,
    encoding_flag,
    encoding_named,
    wide_encoding,
    with_byte_order,
)

TEXT = '{"input": "Où est-ce ?", "ideal_output": "這裡。"}\n'


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("cp1252", "cp1252"),
        ("Windows-1252", "cp1252"),
        ("latin1", "iso8859-1"),
        ("Shift_JIS", "shift_jis"),
        ("GB2312", "gb2312"),
        ("UTF-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf_16", "utf-16"),
    ],
)
def test_an_encoding_is_found_by_each_of_its_names(name: str, codec: str) -> None:
    assert encoding_named(name) == codec


@pytest.mark.parametrize("codec", COMMON)
def test_the_name_for_the_flag_leads_back_to_the_encoding(codec: str) -> None:
    named = encoding_named(encoding_flag(codec))
    assert with_byte_order(named, b"") == codec


@pytest.mark.parametrize(
    "name",
    ["", "klingon", "base64", "rot13", "idna", "unicode_escape", "a\0b", "\x1b[2J", "\udc80"],
)
def test_what_is_no_encoding_of_text_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="encoding") as caught:
        encoding_named(name)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("mark", ["\ufeff", ""])
def test_a_wide_text_shows_its_encoding_and_byte_order(codec: str, mark: str) -> None:
    raw = (mark + TEXT).encode(codec)
    assert wide_encoding(raw) == codec
    assert wide_encoding(raw[:-1]) == codec
    assert with_byte_order(codec.rpartition("-")[0], raw) == codec


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        TEXT.encode(),
        bytes(1000),
        bytes(range(256)) * 4,
        b'{"a": 1}\n{\0\0\0}\n',
        b'"",\0',
    ],
)
def test_other_bytes_are_no_wide_text(raw: bytes) -> None:
    assert wide_encoding(raw) == ""
