"""The records of a table with a header (CSV, TSV) as rows: objects of the header's names."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence

import orjson

from tui.domain.rows.parsing import BOM
from tui.domain.text import number
from tui.services.reading.csv_records import RecordReader
from tui.services.reading.row_file import LONGEST_ROW
from tui.services.reading.row_splitting import LinePlacer, Remark, Waiting

DELIMITERS = (",", ";", "\t", "|")
SURPLUS = ""
"""Key of the cells that the header has no name for."""

_LISTS = frozenset({"messages", "conversations", "tools", "history", "images"})
"""Columns whose cells are JSON lists."""
_ANSWERS = frozenset(
    {
        *("input", "prompt", "completion", "chosen", "rejected"),
        *("preferred_output", "non_preferred_output"),
    }
)
"""Columns whose cells are text, or messages as JSON."""
_TEXTS = frozenset({"instruction", "output", "ideal_output", "system", "label", "text", "kto_tag"})
_KNOWN = _LISTS | _ANSWERS | _TEXTS
"""Names of columns that say what a table is; in capitals they mean the same."""
_SEPARATOR = re.compile(rb"sep=(.)\s*", re.IGNORECASE)
"""How a spreadsheet says in a first line what separates the cells."""
_FIRST_RECORDS = 50
"""Records by which a table is told."""
_NAME = re.compile(rb"\w[\w .()/-]{0,39}")


class CsvRows:
    """Cuts a table; see `row_cutting.Cutter`."""

    def __init__(self, delimiter: str) -> None:
        self.remarks: list[Remark] = []
        self.counted_by_element = False
        self._reader = RecordReader(delimiter)
        self._placer = LinePlacer()
        self._waiting = Waiting()
        self._names: Sequence[str] = ()
        self._line = 1
        """Number of the line on which what waits begins."""
        self._given_up = False

    def cut(self, block: bytes) -> bytes:
        """See `Cutter`."""
        text = None if self._given_up else self._waiting.add(block)
        return b"".join(self._rows(text, last=False)) if text else b""

    def finish(self) -> bytes:
        """See `Cutter`."""
        return b"".join(self._rows(self._waiting.all(), last=True))

    def _rows(self, text: bytes, *, last: bool) -> Iterator[bytes]:
        """The records that are complete in a text, each on its line."""
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
                    yield self._placer.place(raw, self._line)
                else:
                    self._names = header_names(record.cells)
            at = record.end
        self._line += text.count(b"\n", counted, at)
        self._waiting.keep(text[at:])
        if len(text) - at > LONGEST_ROW:
            self._give_up()

    def _give_up(self) -> None:
        self._given_up = True
        self._waiting.keep(b"")
        most = number(LONGEST_ROW >> 20)
        text = f"The record on line {number(self._line)} does not end within {most} MB; "
        self.remarks.append(("truncated-container", f"{text}nothing after it is read."))


def find_delimiter(head: bytes) -> str | None:
    """What separates the cells of a table; None where the text is no table with a header.

    A table is told by a name in its header that training data has, or else by records of equal
    width below names.

    Args:
        head: the beginning of a file.
    """
    named = _SEPARATOR.match(head.removeprefix(BOM))
    if named and named[1].isascii():
        return named[1].decode()
    fits = [(_fitness(head, delimiter), delimiter) for delimiter in DELIMITERS]
    best, delimiter = max(fits, key=lambda fit: fit[0])
    return delimiter if any(best) else None


def _fitness(head: bytes, delimiter: str) -> tuple[int, int, int]:
    """How well a separator fits; zeros where what it finds is no table.

    Returns:
        Known names, columns, and less than zero where records are wider than the header: a table of
        one column has none, and a separator may stand in its texts.
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
    known = len(_KNOWN.intersection(header_names(header)))
    even = len(records) > 2 and width > 1 and all(len(cells) == width for cells in records[:4])
    if known or (even and all(map(_NAME.fullmatch, header))):
        return known, width, -sum(len(cells) > width for cells in records)
    return 0, 0, 0


def _opening(text: bytes) -> bytes:
    """What stands before the header: a byte order mark, the line that names the separator."""
    bom = BOM if text.startswith(BOM) else b""
    named = _SEPARATOR.match(text, len(bom))
    return text[: named.end() if named else len(bom)]


def header_names(cells: Sequence[bytes]) -> list[str]:
    """The names of the columns, each once; known ones are written as the formats write them."""
    names: list[str] = []
    times: Counter[str] = Counter()
    for place, cell in enumerate(cells, 1):
        name = cell.decode(errors="replace").strip() or f"column {place}"
        known = name.lower().replace(" ", "_")
        name = known if known in _KNOWN else name
        times[name] += 1
        names.append(name if times[name] == 1 else f"{name} ({times[name]})")
    return names


def _text(cell: bytes) -> str:
    """A cell as text; bytes that are no UTF-8 stay what they are when it is written again."""
    return cell.decode(errors="surrogateescape")


def as_json(names: Sequence[str], cells: Sequence[str], surplus: Sequence[str] = ()) -> bytes:
    """A record as a JSON object on one line.

    Args:
        names: of the columns.
        cells: the record's; those that are missing at its end are missing in the object.
        surplus: what belongs to no column, beside cells that have no name.
    """
    row: dict[str, object] = {}
    for name, cell in zip(names, cells, strict=False):
        if name in _LISTS or name in _ANSWERS:
            if cell:
                row[name] = _embedded(name, cell)
        else:
            row[name] = cell
    further = [*cells[len(names) :], *surplus]
    if any(further):
        row[SURPLUS] = further
    try:
        return orjson.dumps(row)
    except orjson.JSONEncodeError:
        return _damaged_json(row)


def _embedded(name: str, cell: str) -> object:
    """A cell as the list or the messages that it holds as JSON, or as text."""
    if cell.lstrip()[:1] not in ("[", "{"):
        return cell
    try:
        value = orjson.loads(cell)
    except orjson.JSONDecodeError:
        return cell
    meant = isinstance(value, list) if name in _LISTS else _is_conversation(value)
    return orjson.Fragment(cell.replace("\n", "\r")) if meant else cell


def _is_conversation(value: object) -> bool:
    """Whether a value is a message, messages, or an object that has some."""
    first = value[0] if isinstance(value, list) and value else value
    return isinstance(first, dict) and not first.keys().isdisjoint(("role", "from", "messages"))


def _damaged_json(row: dict[str, object]) -> bytes:
    """A row with bytes in it that are no UTF-8, which are kept so that they are told."""
    pairs = (
        f"{json.dumps(key)}:{orjson.dumps(value).decode()}"
        if isinstance(value, orjson.Fragment)
        else f"{json.dumps(key)}:{json.dumps(value, ensure_ascii=False)}"
        for key, value in row.items()
    )
    return f"{{{','.join(pairs)}}}".encode(errors="surrogateescape")
