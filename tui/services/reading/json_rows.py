"""The elements of a JSON array, or objects one after the other, as rows.

Elements are split by brackets and strings, not by a parser, so a damaged one is one bad row; the
next row begins where something looks like one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

import orjson

from tui.domain.text import number
from tui.services.reading.row_file import LONGEST_ROW
from tui.services.reading.row_splitting import PATIENCE, LinePlacer, Remark, RowBuffer

_GAP = re.compile(rb"[\s,\x1e]*")  # a record separator precedes rows of RFC 7464
_BETWEEN = b", \t\r\n\v\f\x1e"
_TO_BRACKET = re.compile(rb'(?:[^"{}\[\]]+|"(?:[^"\\]+|\\.)*+")*+', re.DOTALL)
_NO_CONTAINER = re.compile(rb'"(?:[^"\\\n]+|\\.)*+"|[^\n,\[\]{]+')
_FOLLOWS = re.compile(rb"[\s\x1e]*(?:[,\[\]{]|\Z)")
_ROW_FOLLOWS = re.compile(rb"\s*(?:,?\s*[\[{]|\])")
_OPENING = re.compile(rb'\{\s*"[^"\\]*"')
_STRINGS = re.compile(rb'(?:[^"]+|"(?:[^"\\]+|\\.)*+")*+', re.DOTALL)
_FIRST_KEYS = (
    *(b"messages", b"conversations", b"instruction", b"input", b"ideal_output", b"prompt"),
    *(b"completion", b"chosen", b"preferred_output", b"text", b"system", b"id"),
)
"""First keys of rows, until a valid row has been seen."""
_NEAR = 1 << 14
"""Bytes searched first for the end of an element."""
_FAR = 1 << 18
"""Bytes searched for the opening of the next element."""
_MANY = 8
"""Damaged elements after which the default keys count as the beginning of a row."""
_LONGEST_REST = 1 << 20
_ENDLESS_PREVIEW = 1 << 20


class JsonRows:
    """Cuts an array or a sequence of objects into rows; see `row_splitting.Cutter`."""

    def __init__(self, *, one_array: bool = False) -> None:
        """Cut a text.

        Args:
            one_array: whether it is not read beyond the end of its first array.
        """
        self.remarks: list[Remark] = []
        self.rest = b""
        """The beginning of what follows the only array."""
        self.counted_by_element = False
        self._one_array = one_array
        self._placer = LinePlacer()
        self._buffer = RowBuffer()
        self._line = 1
        """Line number of the buffered text."""
        self._in_array = False
        self._first_keys: set[bytes] = set()
        self._row_begin = _row_begin(_FIRST_KEYS)
        self._opening = b""
        """The first bytes of the last valid object, including its first key."""
        self._holds_rows = False
        """Whether a valid row contained something like the beginning of a row."""
        self._damaged = 0
        """Number of damaged elements."""
        self._stopped = False

    def cut(self, block: bytes) -> bytes:
        """See `Cutter`."""
        if self._stopped:
            self.rest += block[: _LONGEST_REST - len(self.rest)]
            return b""
        text = self._buffer.add(block)
        return self._lines(text, last=False) if text else b""

    def finish(self) -> bytes:
        """See `Cutter`."""
        lines = self._lines(self._buffer.all(), last=True)
        if self._in_array and not self._stopped:
            text = f"The array is not closed: the file ends on line {number(self._line)}."
            self.remarks.append(("truncated-container", text))
        return lines

    def _lines(self, text: bytes, *, last: bool) -> bytes:
        """The complete elements, each on its line."""
        elements = list(self._elements(text, last))
        lines = (self._placer.line, *(line for _, line in elements))
        if any(line >= following for line, following in pairwise(lines)):
            self.counted_by_element = True
        if self.counted_by_element:
            return b"".join(raw + b"\n" for raw, _ in elements)
        return b"".join(self._placer.place(raw, line) for raw, line in elements)

    def _elements(self, text: bytes, last: bool) -> Iterator[tuple[bytes, int]]:
        """The complete elements of a text, with their line numbers."""
        at, line, counted = 0, self._line, 0
        while (at := self._skip(text, at)) < len(text):
            end = self._end(text, at, last)
            if end is None:
                break
            line += text.count(b"\n", counted, at)
            counted = at
            yield _on_one_line(text[at:end]), line
            at = end
        self._line = line + text.count(b"\n", counted, at)
        if len(text) - at > LONGEST_ROW:
            yield _on_one_line(text[at : at + _ENDLESS_PREVIEW]), self._line
            self._stop()
            at = len(text)
        self._buffer.keep(text[at:])

    def _stop(self) -> None:
        self._stopped = True
        most = number(LONGEST_ROW >> 20)
        text = f"The element on line {number(self._line)} does not end within {most} MB; "
        self.remarks.append(("truncated-container", f"{text}the rest of the file is not read."))

    def _skip(self, text: bytes, at: int) -> int:
        """Start of the next element: after white space, commas and the brackets of the array."""
        while True:
            match = _GAP.match(text, at)
            at = match.end() if match else at
            bracket = text[at : at + 1]
            if bracket == b"]" and self._one_array:
                self._stopped, self.rest = True, text[at + 1 :][:_LONGEST_REST]
                return len(text)
            if bracket == b"]" or (bracket == b"[" and not self._in_array):
                self._in_array = bracket == b"["
                at += 1
            else:
                return at

    def _end(self, text: bytes, at: int, last: bool) -> int | None:
        """End of the element at a position; None where more text is needed."""
        guess = self._guessed_end(text, at)
        if guess:
            return guess
        end, begin = (
            self._container(text, at) if text[at] in b"{[" else (_other_end(text, at), None)
        )
        if begin is not None:
            return begin
        if end == len(text) and not last:
            return None
        if end is not None and _FOLLOWS.match(text, end) and self._is_valid(text[at:end]):
            self._holds_rows = self._holds_rows or self._next_row(text, at, end) is not None
            return end
        if not (last or end is not None or len(text) - at > PATIENCE):
            return None
        self._damaged += 1
        return self._damaged_end(text, at, end, last)

    def _guessed_end(self, text: bytes, at: int) -> int | None:
        """End of the element if it is JSON and the next one opens like the last valid one."""
        far = at + _FAR
        next_start = text.find(self._opening, at + 1, far) if self._opening else -1
        if next_start < 0:
            return None
        raw = text[at:next_start].rstrip(_BETWEEN)
        return at + len(raw) if self._is_valid(raw) else None

    def _container(self, text: bytes, at: int) -> tuple[int | None, int | None]:
        """End of an element by its brackets, or else the beginning of the next row in it.

        Rows rarely contain such beginnings. Where one did, or none was valid yet, only brackets
        count. The searched range grows step by step, so that many rows without closing brackets do
        not each cost a search of the whole rest.
        """
        trusted = not self._holds_rows and bool(self._opening or self._damaged > _MANY)
        near, end = _NEAR, None
        while end is None:
            end = container_end(text, at, at + near)
            begin = self._next_row(text, at, at + near) if trusted and end is None else None
            if begin is not None or at + near >= len(text):
                return end, begin
            near *= 4
        return end, None

    def _next_row(self, text: bytes, at: int, before: int) -> int | None:
        """Where a row seems to begin between two positions."""
        match = self._row_begin.search(text, at + 1, before)
        return match.start() if match else None

    def _damaged_end(self, text: bytes, at: int, end: int | None, last: bool) -> int | None:
        """End of a damaged element: by its brackets, or where the next row begins."""
        begin = self._next_row(text, at, end or len(text))
        if end is not None and begin is None:
            if _ROW_FOLLOWS.match(text, end):
                return end
            begin = self._next_row(text, end - 1, len(text))
        if begin is not None:
            return begin
        return self._last_end(text, at, end) if last else None

    def _is_valid(self, raw: bytes) -> bool:
        """Whether an element is JSON; learns the first keys of rows from those that are."""
        try:
            value = orjson.loads(raw)
        except orjson.JSONDecodeError:
            return False
        if (
            isinstance(value, dict)
            and value
            and not (self._opening and raw.startswith(self._opening))
        ):
            opening = _OPENING.match(raw)
            self._opening = opening[0] if opening else b""
            first = next(iter(value)).encode()
            if first not in self._first_keys and len(self._first_keys) < len(_FIRST_KEYS):
                self._first_keys.add(first)
                self._row_begin = _row_begin(self._first_keys)
        return True

    def _last_end(self, text: bytes, at: int, end: int | None) -> int:
        """End of a damaged last element, without the bracket of the array."""
        rest = len(text.rstrip())
        strings = _STRINGS.match(text, at)
        open_string = strings is not None and strings.end() < len(text)
        closed = self._in_array and text[rest - 1 : rest] == b"]" and (end or open_string)
        return rest - 1 if closed and rest - 1 > at else rest


def _row_begin(first_keys: Iterable[bytes]) -> re.Pattern[bytes]:
    """A pattern for an object in a list that begins with one of some keys."""
    keys = b"|".join(map(re.escape, sorted(first_keys)))
    return re.compile(rb'[,\n]\s*(?=\{\s*"(?:' + keys + rb')"\s*:)')


def container_end(text: bytes, at: int, before: int) -> int | None:
    """The position after the bracket that closes the one at a position; None where none does.

    Args:
        text: the text.
        at: position of the opening bracket.
        before: where to stop.
    """
    depth, before = 0, min(before, len(text))
    while True:
        match = _TO_BRACKET.match(text, at, before)
        at = match.end() if match else at
        bracket = text[at : at + 1] if at < before else b""
        if bracket in (b"{", b"["):
            depth += 1
        elif bracket in (b"}", b"]"):
            depth -= 1
        else:
            return None
        at += 1
        if not depth:
            return at


def _other_end(text: bytes, at: int) -> int:
    """The position after a string, a number, or whatever is in the place of an element."""
    match = _NO_CONTAINER.match(text, at)
    return match.end() if match else at + 1


def _on_one_line(raw: bytes) -> bytes:
    """An element without line breaks: a carriage return is white space to JSON as well."""
    return raw.rstrip(_BETWEEN).replace(b"\n", b"\r")
