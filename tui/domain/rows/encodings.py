"""Names of character encodings, and those that a text shows by its first bytes."""

from __future__ import annotations

import codecs
import re

from tui.domain.text import preview

UTF8 = "utf-8"

COMMON = (
    "cp1252",
    "iso8859-1",
    "cp1250",
    "cp1251",
    "cp1254",
    "gbk",
    "gb18030",
    "big5",
    "cp932",
    "euc_jp",
    "cp949",
    "mac-roman",
    "utf-16-le",
)
"""Encodings that are offered by name; any other that Python knows can be given."""

_LABELS = {
    UTF8: "UTF-8",
    "iso8859-1": "Latin-1",
    "gbk": "GBK",
    "gb18030": "GB18030",
    "big5": "Big5",
    "cp932": "Shift-JIS",
    "shift_jis": "Shift-JIS",
    "euc_jp": "EUC-JP",
    "cp949": "Korean (cp949)",
    "koi8-r": "KOI8-R",
    "mac-roman": "Mac Roman",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "utf-32-le": "UTF-32",
    "utf-32-be": "UTF-32",
}
_FLAGS = {"iso8859-1": "latin-1", "utf-16-le": "utf-16"}
_SAME_AS_UTF8 = frozenset({"utf-8", "utf-8-sig"})
_NOT_OF_FILES = frozenset({"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"})
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order marks; those of UTF-32 first, as one begins like that of UTF-16."""
_WITH_ORDER = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}
"""Encodings of either byte order -> the one taken where the text does not show its own."""
_CONTROLS = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f]")
_ZEROS = 50
"""Most bytes per zero of a text in UTF-16: its line breaks, braces and quotes have one each."""
_FIRST = 4
"""Characters at the beginning that must be ASCII: a brace and a key, the name of a column."""


def encoding_named(name: str) -> str:
    """The codec of an encoding by any of its names.

    Raises:
        ValueError: there is none, or it is not an encoding of text.
    """
    shown = preview(name, 40)
    try:
        codec = codecs.lookup(name)
    except (LookupError, ValueError) as error:
        raise ValueError(f"there is no encoding {shown!r}") from error
    text = getattr(codec, "_is_text_encoding", True) and codec.incrementaldecoder
    if not text or codec.name.replace("_", "-") in _NOT_OF_FILES:
        raise ValueError(f"{shown!r} is not an encoding of text files")
    return UTF8 if codec.name in _SAME_AS_UTF8 else codec.name


def encoding_label(codec: str) -> str:
    """What people call an encoding, such as `Latin-1`."""
    return _LABELS.get(codec, codec)


def encoding_flag(codec: str) -> str:
    """The name of an encoding for `--encoding`."""
    return _FLAGS.get(codec, codec)


def wide_encoding(head: bytes) -> str:
    """The UTF-16 or UTF-32 of a text, by its byte order mark or its zeros; empty for none.

    Args:
        head: the beginning of a file.
    """
    for mark, codec in _MARKS:
        if head.startswith(mark):
            return codec
    return next((codec for _, codec in _MARKS if _has_zeros_of(codec, head)), "")


def _has_zeros_of(codec: str, head: bytes) -> bool:
    """Whether a text without a byte order mark has zeros where the encoding has them."""
    width = 4 if codec.startswith("utf-32") else 2
    whole = head[: len(head) // width * width]
    even, odd = whole[::2].count(0), whole[1::2].count(0)
    high, low = (odd, even) if codec.endswith("le") else (even, odd)
    shown = 2 * (even + odd) >= len(whole) if width == 4 else high > 30 * low
    if not shown or high * _ZEROS < len(whole):
        return False
    try:
        text = codecs.getincrementaldecoder(codec)().decode(whole)
    except UnicodeDecodeError:
        return False
    first = text[:_FIRST]
    return len(first) == _FIRST and first.isascii() and not _CONTROLS.search(text)


def with_byte_order(codec: str, head: bytes) -> str:
    """The encoding with the byte order of the text that begins so."""
    shown = wide_encoding(head)
    if codec in _WITH_ORDER:
        return shown if shown.startswith(codec) else _WITH_ORDER[codec]
    return codec
