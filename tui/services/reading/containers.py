"""Opening a file of rows in any container; detected by content, not by name."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from pathlib import Path

from tui.domain.conversion.column_names import KNOWN
from tui.domain.rows.encodings import UTF8, wide_encoding, with_byte_order
from tui.domain.rows.parsing import BOM
from tui.services.errors import FileError
from tui.services.reading.arrow_rows import ARROW, ARROW_STREAM, PARQUET, ArrowRows
from tui.services.reading.csv_rows import find_table
from tui.services.reading.decompression import GZIP, Gunzipped, Plain
from tui.services.reading.json_forms import SEPARATOR, Form, find_json_form
from tui.services.reading.recoding import Recoder
from tui.services.reading.reshaping import Reshaped, sampled_shapes
from tui.services.reading.row_file import Container, RowFile
from tui.services.reading.row_splitting import PassThrough
from tui.services.reading.spooled_rows import SpooledRows

__all__ = ["Container", "open_rows"]

_HEAD = 1 << 18
"""Unpacked bytes from which the container is detected."""
_LONG_HEAD = 1 << 23
"""Bytes from which it is detected where an object begins that is longer."""

_JSON_LINES = "Convert it to JSON Lines"
_UNPACK = "Unpack it first"
_UNSUPPORTED = (
    (PARQUET, "a Parquet file packed with gzip", f"{_UNPACK}: `gzip -d FILE`."),
    (ARROW, "an Arrow file packed with gzip", f"{_UNPACK}: `gzip -d FILE`."),
    (b"PK\x03\x04", "a zip archive or a spreadsheet", f"{_UNPACK}, or save the sheet as CSV."),
    (b"\x28\xb5\x2f\xfd", "packed with Zstandard", f"{_UNPACK}: `zstd -d FILE`."),
    (b"\xfd7zXZ\0", "packed with xz", f"{_UNPACK}: `xz -d FILE`."),
    (b"BZh91AY&SY", "packed with bzip2", f"{_UNPACK}: `bzip2 -d FILE`."),
    (b"7z\xbc\xaf", "a 7-Zip archive", f"{_UNPACK}: `7z x FILE`."),
    (b"\x04\x22\x4d\x18", "packed with LZ4", f"{_UNPACK}: `lz4 -d FILE`."),
    (GZIP, "packed with gzip twice", f"{_UNPACK}: `gzip -d FILE`."),
    (b"SQLite format 3\0", "an SQLite database", f"{_JSON_LINES}, one row per line."),
    (b"\xd0\xcf\x11\xe0", "an old Office document", "Save the sheet as CSV in UTF-8."),
    (b"%PDF-", "a PDF document", "Use the data it was made from."),
)
"""Magic bytes of files that are not text: the bytes, a description, and a remedy."""

_CONTROL_RATIO = 12
"""More than one control character in so many bytes is not text (random bytes: one in nine)."""
_MIN_BYTES = 256
"""Bytes from which control characters count."""
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r"))


def open_rows(
    path: Path,
    encoding: str | None = None,
    *,
    reshape: bool = True,
    columns: Collection[str] = KNOWN,
) -> RowFile:
    """Open a file of rows; its rows are found by scanning it.

    Args:
        path: the file.
        encoding: codec of its text; UTF-8, or UTF-16 and UTF-32 if it shows them, where None.
        reshape: whether rows in the shape of an export are converted while they are read.
        columns: names of which a table has at least one, unless its records show that it is one.

    Raises:
        OSError: the file cannot be read, or is a folder or a device.
        FileError: ftui does not read files of this type, or not in this encoding.
    """
    rows = RowFile(path)
    begin = rows.head(len(ARROW))
    if begin.startswith((PARQUET, ARROW, ARROW_STREAM)):
        cutter = Reshaped(PassThrough(), look=reshape)
        return SpooledRows(path, cutter, Container.ARROW, unpack=partial(ArrowRows, path))
    unpack = Gunzipped if begin.startswith(GZIP) else Plain
    head = rows.head(_HEAD, unpack)
    if unpack is Gunzipped and not head:
        message = f"{path} looks like a gzip file but cannot be unpacked."
        raise FileError(message, "Download or export it again.")
    if head.removeprefix(BOM).lstrip().startswith(b"{") and b"\n" not in head.strip():
        head = rows.head(_LONG_HEAD, unpack)
    codec = with_byte_order(encoding or wide_encoding(head) or UTF8, head)
    _refuse_unsupported(head, path)
    if codec != UTF8:
        head = Recoder(path, codec).recode(head)
    _refuse_binary(head, path)
    form = _find_form(head, columns)
    shapes = form.shapes
    if form.container is Container.LINES and unpack is Plain and codec == UTF8:
        whole = head if rows.size <= len(head) else head.rpartition(b"\n")[0]
        shapes = sampled_shapes(whole) if reshape else ()
        if not shapes:
            return rows
    cutter = Reshaped(form.cutter, shapes, look=reshape)
    return SpooledRows(path, cutter, form.container, unpack=unpack, encoding=codec)


def _refuse_unsupported(head: bytes, path: Path) -> None:
    for begin, description, remedy in _UNSUPPORTED:
        if head.startswith(begin):
            raise FileError(f"{path} is {description}, which ftui cannot read.", remedy)


def _refuse_binary(head: bytes, path: Path) -> None:
    controls = len(head) - len(head.translate(None, _CONTROLS))
    if len(head) >= _MIN_BYTES and controls * _CONTROL_RATIO > len(head):
        raise FileError(
            f"{path} is a binary file, which ftui cannot read.",
            "Use a text file: JSON Lines, a JSON array, CSV or TSV.",
        )


def _find_form(head: bytes, columns: Collection[str]) -> Form:
    """How a text holds its rows, detected from the beginning."""
    if head.removeprefix(BOM).lstrip()[:1] in (b"{", b"[", SEPARATOR):
        return find_json_form(head.removeprefix(BOM))
    table = find_table(head, columns)
    if not table:
        return Form(Container.LINES, PassThrough())
    delimiter, cutter = table
    return Form(Container.TSV if delimiter == "\t" else Container.CSV, cutter)
