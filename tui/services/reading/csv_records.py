"""The records of a table (RFC 4180), read leniently.

A quote counts only at the beginning of a cell. A record with an unclosed quote ends with its line,
so the following lines are read as records of their own. Quotes within a cell that are not doubled
are read as its text, with or without a backslash before them (as databases export them).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from tui.services.reading.row_splitting import PATIENCE

_ESCAPED_QUOTE = re.compile(rb'\\"|""')


class Record(NamedTuple):
    """One record.

    Attributes:
        cells: its cells, unquoted.
        end: the position after it.
        damaged: whether a quote in it is never closed.
        guessed: whether a cell has quotes that are neither doubled nor behind a backslash.
    """

    cells: list[bytes]
    end: int
    damaged: bool = False
    guessed: bool = False


class RecordReader:
    """Reads records with one separator."""

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter.encode()
        other = b"[^" + re.escape(self._delimiter)
        self._cell = re.compile(
            rb' *"((?:[^"]+|"")*+)"(' + other + rb"\r\n]*)\r?|(" + other + rb"\n]*)"
        )
        self._escaped_cell = re.compile(
            rb' *"((?:[^"\\]+|\\.|"")*+)" *\r?(?=\n|\Z|' + re.escape(self._delimiter) + rb")",
            re.DOTALL,
        )

    def next(self, text: bytes, at: int, *, last: bool) -> Record | None:
        """Read the record at a position.

        Args:
            text: the part of the table that has been read.
            at: start of the record.
            last: whether the text is the end of the table.

        Returns:
            The record; None where its end is not in the text yet.
        """
        end = text.find(b"\n", at)
        if end < 0 and not last:
            return None
        end = len(text) if end < 0 else end
        line = text[at:end].removesuffix(b"\r")
        if b'"' not in line:
            return Record(line.split(self._delimiter), end + 1)
        record = self._quoted(text, at)
        open_end = record.end > len(text) and not last
        if open_end and not (record.damaged and len(text) - at > PATIENCE):
            return None
        return self._plain_line(line, end + 1) if record.damaged else record

    def _plain_line(self, line: bytes, end: int) -> Record:
        """A line as a record, ignoring quotes; in a table with tabs quotes have no meaning."""
        damaged = self._delimiter != b"\t"
        return Record(line.split(self._delimiter), end, damaged)

    def _quoted(self, text: bytes, at: int) -> Record:
        """A record with quotes; its end is beyond the text where the text does not contain it."""
        cells: list[bytes] = []
        start, guessed = at, False
        while match := self._cell.match(text, at):
            quoted, junk, plain = match.groups()
            if quoted is None and plain.lstrip(b" ").startswith(b'"'):
                return Record(cells, len(text) + 1, damaged=True)
            if quoted is None:
                cells.append(plain)
            elif not junk.strip():
                cells.append(quoted.replace(b'""', b'"'))
            elif escaped := self._escaped_cell.match(text, at):
                match = escaped
                cells.append(_ESCAPED_QUOTE.sub(b'"', escaped[1]))
            elif b"\n" in quoted:
                return Record(cells, start, damaged=True)
            else:
                cells.append(_within_quotes(match[0].strip()))
                guessed = True
            at = match.end()
            if text[at : at + 1] != self._delimiter:
                break
            at += 1
        cells[-1] = cells[-1] if quoted is not None else cells[-1].removesuffix(b"\r")
        return Record(cells, at + 1, guessed=guessed)


def _within_quotes(cell: bytes) -> bytes:
    """The text between the outer quotes of a cell; all of it where it does not end with one."""
    return cell[1:-1].replace(b'""', b'"') if cell.endswith(b'"') else cell
