"""Rows in the shape of an export, converted while they are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

from tui.domain.conversion.shapes import Shape, find_shapes, reshaped
from tui.domain.fixes.line_repairs import exact_json
from tui.domain.rows.parsing import BOM, exact_value
from tui.services.reading.row_splitting import Cutter, Remark

_SAMPLED_ROWS = 100
"""First rows of a file in which shapes are looked for."""
_SAMPLED_BYTES = 1 << 15
"""Bytes of the first rows in which shapes are looked for, at least."""


def sampled_shapes(lines: bytes, first: Sequence[Shape] = ()) -> Sequence[Shape]:
    """The shapes of some lines of JSON.

    Args:
        lines: complete lines.
        first: shapes that are known by the container.
    """
    values = (exact_value(raw) for raw in lines.removeprefix(BOM).split(b"\n") if raw.strip())
    known = (value for value in values if value is not None)
    sample = [reshaped(value, first) for value in islice(known, _SAMPLED_ROWS)]
    return [*first, *find_shapes(sample)]


class Reshaped:
    """Converts the rows that another cutter cuts; see `row_splitting.Cutter`.

    The first rows are held back until their shapes are known.
    """

    def __init__(self, cutter: Cutter, shapes: Sequence[Shape] = (), *, look: bool = True) -> None:
        """Wrap a cutter.

        Args:
            cutter: cuts the blocks of the file.
            shapes: shapes that are known already.
            look: whether others are looked for.
        """
        self._cutter = cutter
        self._shapes = shapes
        self._found = not look
        """Whether the shapes have been looked for."""
        self._pending: list[bytes] = []
        """Text that is held back: the first lines, or one that has not ended yet."""

    @property
    def counted_by_element(self) -> bool:
        """See `Cutter`."""
        return self._cutter.counted_by_element

    @property
    def remarks(self) -> list[Remark]:
        """See `Cutter`."""
        return self._cutter.remarks

    @property
    def shape(self) -> str:
        """The shapes of the rows, as a phrase; empty where they have none."""
        return ", ".join(dict.fromkeys(shape.label for shape in self._shapes))

    def cut(self, block: bytes) -> bytes:
        """See `Cutter`."""
        return self._rows(lambda: self._cutter.cut(block))

    def finish(self) -> bytes:
        """See `Cutter`."""
        return self._rows(self._cutter.finish, last=True)

    def _rows(self, take: Callable[[], bytes], *, last: bool = False) -> bytes:
        """The next lines; the last one only where it has ended."""
        counted = self.counted_by_element
        text = take()
        if self.counted_by_element is not counted:  # from now on each row is one line
            rows = filter(bytes.strip, b"".join(self._pending).split(b"\n"))
            text = b"".join(raw + b"\n" for raw in rows) + text
            self._pending = []
        if self._found and not self._shapes:
            return text
        self._pending.append(text)
        if not last and (b"\n" not in text or self._holds_back()):
            return b""
        text = b"".join(self._pending)
        lines, _, rest = (text, b"", b"") if last else text.rpartition(b"\n")
        if not self._found:
            self._found, self._shapes = True, sampled_shapes(lines, self._shapes)
        self._pending = [] if last or not self._shapes else [rest]
        if not self._shapes:
            return text
        return b"\n".join(map(self._row, lines.split(b"\n"))) + (b"" if last else b"\n")

    def _holds_back(self) -> bool:
        return not self._found and sum(map(len, self._pending)) < _SAMPLED_BYTES

    def _row(self, raw: bytes) -> bytes:
        """A line as a row; as it is where it is no JSON, has a problem, or has no known shape."""
        value = exact_value(raw.removeprefix(BOM)) if raw.strip() else None
        row = reshaped(value, self._shapes)
        return raw if row is value else exact_json(row)
