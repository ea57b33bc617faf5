"""How a text that begins with a bracket holds its rows: lines, an array, objects, or a document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tui.domain.conversion.shapes import Shape
from tui.domain.rows.parsing import json_value
from tui.services.reading.json_documents import find_document
from tui.services.reading.json_rows import JsonRows, container_end
from tui.services.reading.row_file import Container
from tui.services.reading.row_splitting import Cutter, PassThrough

SEPARATOR = b"\x1e"
"""What precedes each row of a JSON text sequence (RFC 7464)."""
_TRIES = 20
"""Lines that are not JSON after which the others are not looked at."""


class Form(NamedTuple):
    """The form of a text: its container, what cuts it, and shapes that come with it."""

    container: Container
    cutter: Cutter
    shapes: Sequence[Shape] = ()


def find_json_form(head: bytes) -> Form:
    """The form of a text that begins with a bracket or a separator.

    Args:
        head: the beginning of the text, without a byte order mark.
    """
    text = head.lstrip()
    if text.startswith(SEPARATOR):
        return Form(Container.OBJECTS, JsonRows())
    end = container_end(text, 0, len(text))
    value = text[:end] if end is not None and json_value(text[:end]) is not None else b""
    rest = text[len(value) :].strip()
    if text.startswith(b"["):
        lines = value and b"\n" not in value and rest
        return Form(Container.LINES, PassThrough()) if lines else Form(Container.ARRAY, JsonRows())
    document = find_document(head) if not (value and rest) else None
    if document:
        return Form(Container.DOCUMENT, document.cutter, document.shapes)
    spread = text.partition(b"\n")[0].strip() == b"{" or _leaves_lines(text)
    return Form(Container.OBJECTS, JsonRows()) if spread else Form(Container.LINES, PassThrough())


def _leaves_lines(text: bytes) -> bool:
    """Whether an object spans several lines, shares one with another, or is followed by a comma."""
    start, tries = 0, _TRIES
    while start < len(text) and tries:
        line_end = text.find(b"\n", start)
        after = line_end if line_end >= 0 else len(text)
        line = text[start:after].strip(b" \t\r")
        if line and json_value(line) is None:
            tries -= 1
            end = container_end(text, text.index(line, start), len(text))
            whole = end is not None and json_value(text[start:end].strip()) is not None
            if whole and text[end:after].strip()[:1] in (b"", b"{", b","):
                return True
        start = after + 1
    return False
