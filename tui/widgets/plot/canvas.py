"""A grid of cells to draw on with dots and glyphs, and its conversion to runs of one ink."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tui.widgets.plot.glyphs import Glyphs, Ink

Line = list[tuple[str, Ink]]
"""One line of the plot as runs of text and their ink."""

Cell = tuple[str, Ink]
"""The text and ink of one cell; the second cell of a wide character holds no text."""

_BRAILLE_BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
BLANK: Cell = (" ", Ink.AXIS)


class Canvas:
    """The cells between the axes."""

    def __init__(self, columns: int, rows: int, glyphs: Glyphs) -> None:
        self.columns = columns
        self.rows = rows
        self.glyphs = glyphs
        self.cells: list[list[Cell]] = [[BLANK] * columns for _ in range(rows)]

    @property
    def dots(self) -> tuple[int, int]:
        """Dots across and down."""
        return self.columns * self.glyphs.dots[0], self.rows * self.glyphs.dots[1]

    def set_dots(self, dots: Iterable[tuple[int, int]], ink: Ink, ascii_glyph: str) -> None:
        """Set dots, given by column and row; they replace what their cells held."""
        across, down = self.glyphs.dots
        bits: dict[tuple[int, int], int] = {}
        for x, y in dots:
            cell = y // down, x // across
            bits[cell] = bits.get(cell, 0) | _BRAILLE_BITS[x % across][y % down]
        for (row, column), pattern in bits.items():
            glyph = chr(0x2800 + pattern) if down > 1 else ascii_glyph
            self.cells[row][column] = (glyph, ink)

    def set_glyph(self, column: int, row: int, glyph: str, ink: Ink) -> None:
        """Set one cell."""
        self.cells[row][column] = (glyph, ink)

    def write(self, cells: Sequence[Cell], row: int) -> bool:
        """Write at the right end of the first row or the left end of another one, if it is free.

        The line of the cursor may be overwritten.

        Returns:
            Whether there was room.
        """
        begin = self.columns - len(cells) if row == 0 else 0
        target = slice(begin, begin + len(cells))
        occupied = (text != " " and ink is not Ink.CURSOR for text, ink in self.cells[row][target])
        if begin < 0 or any(occupied):
            return False
        self.cells[row][target] = cells
        return True


def interpolate(dots: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The dots of straight lines from each dot to the next."""
    previous: tuple[int, int] | None = None
    for dot in dots:
        (x0, y0), (x1, y1) = previous or dot, dot
        count = max(abs(x1 - x0), abs(y1 - y0), 1)
        for i in range(1, count + 1):
            yield x0 + round((x1 - x0) * i / count), y0 + round((y1 - y0) * i / count)
        previous = dot


def to_runs(cells: Iterable[Cell]) -> Line:
    """Neighbouring cells of one ink as one text; blanks take the ink before them."""
    runs: Line = []
    for text, ink in cells:
        if runs and (runs[-1][1] is ink or (text == " " and runs[-1][1] is not Ink.CROSSED)):
            runs[-1] = (runs[-1][0] + text, runs[-1][1])
        else:
            runs.append((text, ink))
    return runs
