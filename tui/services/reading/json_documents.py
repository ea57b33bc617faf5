"""Rows within one JSON object: under a key such as `data`, or as a table of pandas."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from tui.domain.conversion.column_names import KNOWN
from tui.domain.conversion.shapes import Shape
from tui.domain.rows.parsing import BOM, json_value
from tui.domain.text import number
from tui.services.errors import FileError
from tui.services.reading.csv_rows import unique_names
from tui.services.reading.json_rows import JsonRows, container_end
from tui.services.reading.row_file import LONGEST_ROW
from tui.services.reading.row_splitting import Cutter, Remark

_ROWS = frozenset({"data", "rows", "examples", "records", "entries", "instances", "dataset"})
"""Keys under which a document has its rows."""
_KEY = re.compile(rb'\s*,?\s*"((?:[^"\\]+|\\.)*+)"\s*:\s*')
_SCALAR = re.compile(rb'"(?:[^"\\]+|\\.)*+"|[^\s,\[\]{}"]+')
_ARRAY_OF_ROWS = re.compile(rb"\[\s*[\[{]")
_BY_ROW = re.compile(rb'\{\s*"0"\s*:\s*\{')
_BY_COLUMN = re.compile(rb'\{\s*"(?:[^"\\]+|\\.)*+"\s*:\s*\{\s*"0"\s*:')


class Document(NamedTuple):
    """A document that holds rows: what cuts it, and the shape of the values that come out."""

    cutter: Cutter
    shapes: tuple[Shape, ...] = ()


def find_document(head: bytes) -> Document | None:
    """How a text that is one JSON object holds rows; None where it holds none.

    Args:
        head: the beginning of the text.
    """
    start = len(head) - len(head.lstrip())
    text = head[start:]
    if _BY_ROW.match(text) or _BY_COLUMN.match(text):
        return Document(PandasTable())
    found = _array_of_rows(text)
    if found is None:
        return None
    at, columns = found
    shapes = (_table_shape(columns),) if columns else ()
    return Document(WrappedRows(start + at), shapes)


def _array_of_rows(text: bytes) -> tuple[int, list[Any]] | None:
    """Where the array of rows begins, and the columns of a table of pandas."""
    at, columns = 1, list[Any]()
    while match := _KEY.match(text, at):
        at, name = match.end(), match[1].decode(errors="replace")
        if name in KNOWN and name not in _ROWS:
            return None
        if name in _ROWS and _ARRAY_OF_ROWS.match(text, at):
            return at, columns
        end = _value_end(text, at)
        if end is None:
            return None
        columns = _listed(text[at:end]) if name == "columns" else columns
        at = end
    return None


def _value_end(text: bytes, at: int) -> int | None:
    """The position after the value at a position; None where it does not end."""
    if text[at : at + 1] in (b"{", b"["):
        return container_end(text, at, len(text))
    scalar = _SCALAR.match(text, at)
    return scalar and scalar.end()


def _holds_more(rest: bytes) -> bool:
    """Whether other rows, or another document, follow an array of rows."""
    at = 0
    while match := _KEY.match(rest, at):
        name, at = match[1].decode(errors="replace"), match.end()
        end = _value_end(rest, at)
        if end is None or (name in _ROWS and _ARRAY_OF_ROWS.match(rest, at)):
            return True
        at = end
    return bool(rest[at:].strip(b"} \t\r\n"))


def _table_shape(columns: list[Any]) -> Shape:
    """The shape of the rows of a table whose columns are named once."""
    names = unique_names(map(str, columns))

    def convert(values: list[Any]) -> dict[str, Any] | None:
        if len(values) != len(names):
            return None
        return dict(zip(names, values, strict=True))

    return Shape("of pandas", convert, whole=True, lists=True)


def _listed(raw: bytes) -> list[Any]:
    value = json_value(raw)
    return value if isinstance(value, list) else []


class WrappedRows:
    """Cuts the array that begins at a place of a document into rows; see `Cutter`."""

    def __init__(self, start: int) -> None:
        """Begin a document.

        Args:
            start: position of the bracket that opens the array, after a byte order mark.
        """
        self._rows = JsonRows(one_array=True)
        self._before = start
        self._begun = False

    @property
    def counted_by_element(self) -> bool:
        """See `Cutter`."""
        return self._rows.counted_by_element

    @property
    def remarks(self) -> list[Remark]:
        """See `Cutter`."""
        return self._rows.remarks

    def cut(self, block: bytes) -> bytes:
        """See `Cutter`."""
        if not self._begun:
            self._begun, block = True, block.removeprefix(BOM)
        skipped = block[: self._before]
        self._before -= len(skipped)
        return self._rows.cut(b"\n" * skipped.count(b"\n") + block[len(skipped) :])

    def finish(self) -> bytes:
        """See `Cutter`."""
        lines = self._rows.finish()
        if _holds_more(self._rows.rest):
            text = "What follows the array of rows is not read."
            self.remarks.append(("truncated-container", text))
        return lines


class PandasTable:
    """Turns an object of columns, or of numbered rows, into rows; see `Cutter`.

    The table is read as a whole, and rows are numbered: they have no lines of their own.
    """

    def __init__(self) -> None:
        self.remarks: list[Remark] = []
        self.counted_by_element = True
        self._blocks: list[bytes] = []
        self._size = 0

    def cut(self, block: bytes) -> bytes:
        """See `Cutter`.

        Raises:
            FileError: the table is too large to be read at once.
        """
        self._blocks.append(block)
        self._size += len(block)
        if self._size > LONGEST_ROW:
            raise FileError(
                f"The file is one JSON object of more than {number(LONGEST_ROW >> 20)} MB, a table "
                "of pandas.",
                'Write it with one row per line: `to_json(OUT, orient="records", lines=True)`.',
            )
        return b""

    def finish(self) -> bytes:
        """See `Cutter`."""
        text = b"".join(self._blocks)
        table = json_value(text.removeprefix(BOM))
        rows = [*_table_rows(table)] if isinstance(table, dict) else []
        return b"".join(map(_line, rows)) or text.replace(b"\n", b"\r")


def _table_rows(table: dict[str, Any]) -> Iterator[Any]:
    """The rows of a table; a cell that a column lacks is left out."""
    if "0" in table:
        yield from table.values()
        return
    columns = {name: cells for name, cells in table.items() if isinstance(cells, dict)}
    for key in dict.fromkeys(key for cells in columns.values() for key in cells):
        yield {name: cells[key] for name, cells in columns.items() if key in cells}


def _line(row: Any) -> bytes:
    return orjson.dumps(row) + b"\n"
