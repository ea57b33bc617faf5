"""The records of a table with a header (CSV, TSV) as rows: objects of the header's names."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

import orjson

from tui.domain.conversion.column_names import KNOWN, known_name
from tui.domain.conversion.json_text import LISTS, PREFERENCE, embedded, structured_fields
from tui.domain.rows.parsing import BOM
from tui.domain.text import number, plural
from tui.services.reading.csv_records import RecordReader
from tui.services.reading.row_file import LONGEST_ROW
from tui.services.reading.row_splitting import LinePlacer, Remark, RowBuffer

DELIMITERS = (",", ";", "\t", "|")
SURPLUS = ""
"""Key of cells beyond the header."""

_OMITTED = LISTS | PREFERENCE | frozenset({"prompt", "completion", "chosen", "rejected"})
"""Columns whose empty cells mean that the row has no such field."""
_SEPARATOR = re.compile(rb"sep=(.)\s*", re.IGNORECASE)
"""A first line by which a spreadsheet declares the delimiter."""
_FIRST_RECORDS = 50
"""Records from which a table is detected."""
_LINE_END = re.compile(rb"\r\n?|\n")
_NAME = re.compile(rb"\w[\w .()/-]{0,39}")


class CsvRows:
    """Cuts a table into rows; see `row_splitting.Cutter`."""

    def __init__(self, delimiter: str, line_end: bytes = b"\n") -> None:
        """Cut a table.

        Args:
            delimiter: what separates its cells.
            line_end: the last byte of its lines; a carriage return in files of old Macs.
        """
        self.remarks: list[Remark] = []
        self.counted_by_element = False
        self._reader = RecordReader(delimiter)
        self._line_end = line_end
        self._placer = LinePlacer()
        self._buffer = RowBuffer()
        self._names: Sequence[str] = ()
        self._line = 1
        """Line number of the pending text."""
        self._stopped = False
        self._guessed = 0
        """Records with quotes that are not doubled."""
        self._first_guessed = 0

    def cut(self, block: bytes) -> bytes:
        """See `Cutter`."""
        if self._line_end != b"\n":
            block = block.replace(self._line_end, b"\n")
        text = None if self._stopped else self._buffer.add(block)
        return b"".join(self._rows(text, last=False)) if text else b""

    def finish(self) -> bytes:
        """See `Cutter`."""
        rows = b"".join(self._rows(self._buffer.all(), last=True))
        if self._guessed:
            text = f"{plural(self._guessed, 'record')}, the first on line {self._first_guessed:,}."
            self.remarks.append(("unescaped-quotes", f"Quotes are not doubled in {text}"))
        return rows

    def _rows(self, text: bytes, *, last: bool) -> Iterator[bytes]:
        """The complete records of a text, each on its line."""
        at = 0 if self._names else len(_opening(text))
        counted = 0
        while at < len(text) and (record := self._reader.next(text, at, last=last)):
            self._line += text.count(b"\n", counted, at)
            counted = at
            # Spreadsheets leave empty cells below a table.
            if any(map(bytes.strip, record.cells)):
                if self._names:
                    surplus = [_text(text[at : record.end]).rstrip()] if record.damaged else []
                    raw = as_json(self._names, list(map(_text, record.cells)), surplus)
                    if record.guessed:
                        self._guessed += 1
                        self._first_guessed = self._first_guessed or self._line
                    yield self._placer.place(raw, self._line)
                else:
                    self._names = header_names(record.cells)
            at = record.end
        self._line += text.count(b"\n", counted, at)
        self._buffer.keep(text[at:])
        if len(text) - at > LONGEST_ROW:
            self._stop()

    def _stop(self) -> None:
        self._stopped = True
        self._buffer.keep(b"")
        most = number(LONGEST_ROW >> 20)
        text = f"The record on line {number(self._line)} does not end within {most} MB; "
        self.remarks.append(("truncated-container", f"{text}the rest of the file is not read."))


def find_table(head: bytes, columns: Collection[str] = KNOWN) -> tuple[str, CsvRows] | None:
    """The delimiter of a table, and what cuts it; None where the text is no table with a header.

    Args:
        head: the beginning of a file.
        columns: names of columns by which a table is recognised.
    """
    end = _LINE_END.search(head)
    line_end = end[0][-1:] if end else b"\n"
    delimiter = find_delimiter(head.replace(line_end, b"\n"), columns)
    return (delimiter, CsvRows(delimiter, line_end)) if delimiter else None


def find_delimiter(head: bytes, columns: Collection[str] = KNOWN) -> str | None:
    """The delimiter of a table; None where the text is not a table with a header.

    A table is recognised by one of some names of columns, or else by records of equal width below
    names.

    Args:
        head: the beginning of a file, whose lines end with line feeds.
        columns: the names.
    """
    declaration = _SEPARATOR.match(head.removeprefix(BOM))
    if declaration and declaration[1].isascii():
        return declaration[1].decode()
    fits = [(_fitness(head, delimiter, columns), delimiter) for delimiter in DELIMITERS]
    best, delimiter = max(fits, key=lambda fit: fit[0])
    return delimiter if any(best) else None


def _fitness(head: bytes, delimiter: str, columns: Collection[str]) -> tuple[int, int, int]:
    """How well a delimiter fits; zeros where the result is not a table.

    Returns:
        Known names, columns, and minus the records wider than the header: the texts of a table of
        one column may contain a delimiter.
    """
    reader, at = RecordReader(delimiter), len(_opening(head))
    records: list[list[bytes]] = []
    while len(records) < _FIRST_RECORDS and (record := reader.next(head, at, last=False)):
        at = record.end
        if any(map(bytes.strip, record.cells)):
            records.append(record.cells)
    if not records:
        return 0, 0, 0
    header, width = records[0], len(records[0])
    known = len({*columns}.intersection(header_names(header)))
    equal_width = (
        len(records) > 2 and width > 1 and all(len(cells) == width for cells in records[:4])
    )
    if known or (equal_width and all(map(_NAME.fullmatch, header))):
        return known, width, -sum(len(cells) > width for cells in records)
    return 0, 0, 0


def _opening(text: bytes) -> bytes:
    """What precedes the header: a byte order mark, the line that declares the delimiter."""
    bom = BOM if text.startswith(BOM) else b""
    declaration = _SEPARATOR.match(text, len(bom))
    return text[: declaration.end() if declaration else len(bom)]


def header_names(cells: Sequence[bytes]) -> list[str]:
    """The names of the columns, made unique; known ones are spelled as the formats spell them."""
    names = (cell.decode(errors="replace").strip() for cell in cells)
    return unique_names(known_name(name) or name for name in names)


def unique_names(names: Iterable[str]) -> list[str]:
    """Names of columns, with a number after those that repeat or are empty."""
    times: Counter[str] = Counter()
    unique: dict[str, None] = {}
    for place, name in enumerate(names, 1):
        new = name = name or f"column {place}"
        while new in unique:
            times[name] += 1
            new = f"{name} ({times[name] + 1})"
        unique[new] = None
    return [*unique]


def _text(cell: bytes) -> str:
    """A cell as text; bytes that are not UTF-8 survive encoding it again."""
    return cell.decode(errors="surrogateescape")


def as_json(names: Sequence[str], cells: Sequence[str], surplus: Sequence[str] = ()) -> bytes:
    """A record as a JSON object on one line.

    Args:
        names: names of the columns.
        cells: cells of the record; missing ones at its end are missing in the object.
        surplus: further values beyond the header.
    """
    row: dict[str, object] = {}
    structured = structured_fields(names)
    for name, cell in zip(names, cells, strict=False):
        if cell and name in structured:
            row[name] = _embedded(name, cell)
        elif cell or name not in _OMITTED:
            row[name] = cell
    further = [*cells[len(names) :], *surplus]
    if any(further):
        row[SURPLUS] = further
    try:
        return orjson.dumps(row)
    except orjson.JSONEncodeError:
        return _damaged_json(row)


def _embedded(name: str, cell: str) -> object:
    """The JSON list or messages in a cell, else its text."""
    is_text = embedded(name, cell) is None
    return cell if is_text else orjson.Fragment(cell.replace("\n", "\r"))


def _damaged_json(row: dict[str, object]) -> bytes:
    """A row with bytes that are not UTF-8, kept so that the check reports them."""
    pairs = (
        f"{json.dumps(key)}:{orjson.dumps(value).decode()}"
        if isinstance(value, orjson.Fragment)
        else f"{json.dumps(key)}:{json.dumps(value, ensure_ascii=False)}"
        for key, value in row.items()
    )
    return f"{{{','.join(pairs)}}}".encode(errors="surrogateescape")
