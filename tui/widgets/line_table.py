"""A table of any length: lines are asked for when they come into sight, and repainted alone.

    class Squares(Screen[None]):
        def compose(self) -> ComposeResult:
            yield LineTable([Column("n", 7, right=True), Column("square")], self.cells)

        def on_mount(self) -> None:
            self.query_one(LineTable).set_row_count(1_000_000)

        def cells(self, row: int) -> Sequence[Cell]:
            return [str(row), ("odd", Tone.WARNED) if row % 2 else str(row * row)]

        def on_line_table_row_selected(self, message: LineTable.RowSelected) -> None:
            self.notify(f"{message.row} was chosen")

Rows that take time give None and are asked for with `RowsNeeded`; call `rows_changed` when they
are there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.domain.loop import Tone
from tui.domain.text import scrub
from tui.widgets.scroll_mark import line_at, marked_line, with_mark
from tui.widgets.tones import tone_css

Cell = str | tuple[str, Tone]
"""Text of one cell, with the tone it is coloured in. It is scrubbed, cut and padded here."""

_GAP = 1
_MARK = "▸ "
_NO_MARK = "  "


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        title: what the header says.
        width: cells it takes; 0 where it takes a share of what the others leave.
        share: how large its share is, against those of the other columns without a width.
        right: whether its text stands at the right.
        from_width: the table's width from which on the column is shown.
        hidden: whether it is not shown at any width.
    """

    title: str
    width: int = 0
    share: int = 1
    right: bool = False
    from_width: int = 0
    hidden: bool = False

    def shown_at(self, width: int) -> bool:
        """Whether the column is shown in a table of so many cells."""
        return not self.hidden and width >= self.from_width


def column_widths(columns: Sequence[Column], width: int) -> list[int]:
    """Cells for each column of a table, gaps left out; 0 where a column is not shown.

    Args:
        columns: the columns.
        width: cells that the table has, its mark left out.
    """
    shown = [column for column in columns if column.shown_at(width)]
    fixed = sum(column.width for column in shown)
    shares = sum(column.share for column in shown if not column.width)
    room = max(0, width - fixed - _GAP * (len(shown) - 1))
    widths, given, spent = [], 0, 0
    for column in columns:
        if not column.shown_at(width):
            widths.append(0)
        elif column.width:
            widths.append(column.width)
        else:
            given += column.share
            upto = room * given // shares
            widths.append(max(1, upto - spent))
            spent = upto
    return widths


def _room(widths: Iterable[int]) -> int:
    """Cells that columns take with the gap after each; one of no width is not shown."""
    return sum(width + _GAP for width in widths if width)


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Text in exactly so many cells: scrubbed, cut with an ellipsis, padded.

    A wide character that would stand half outside gives way to a space.
    """
    shown = scrub(text[: 4 * width + 64])
    size = cell_len(shown)
    if size > width:
        return set_cell_size(shown, width - 1) + "…" if width > 1 else "…"[:width]
    return " " * (width - size) + shown if right else shown + " " * (width - size)


class LineTable(ScrollView, can_focus=True):
    """Rows on demand, a cursor, a header that stays.

    The table's height may be anything; its memory does not grow with its rows.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="table.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="table.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="table.page_up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="table.page_down"),
        Binding("home,g", "first", "First row", show=False, id="table.first"),
        Binding("end,G", "last", "Last row", show=False, id="table.last"),
        Binding("enter", "select", "Open", show=False, id="table.select"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "line-table--header",
        "line-table--row",
        "line-table--cursor",
        *(f"line-table--{tone.value}" for tone in Tone),
    }
    DEFAULT_CSS = """
    LineTable { height: 1fr; overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 0; }
    LineTable > .line-table--header { color: $text-muted; text-style: bold; }
    LineTable > .line-table--row { color: $text; }
    LineTable > .line-table--cursor { background: $panel-lighten-1; }
    LineTable:focus > .line-table--cursor { background: $primary 35%; }
    LineTable:ansi > .line-table--cursor { background: ansi_default; text-style: reverse; }
    LineTable:ansi:focus > .line-table--cursor { background: ansi_default; text-style: reverse; }
    LineTable > .line-table--none { color: $text; }
    """ + tone_css("LineTable > .line-table--")

    cursor: reactive[int] = reactive(0, repaint=False, init=False)
    """The row under the cursor, from 0; setting it scrolls it into sight."""

    @dataclass
    class RowHighlighted(Message):
        """The cursor came to a row."""

        table: LineTable
        row: int

        @property
        def control(self) -> LineTable:
            """The table."""
            return self.table

    @dataclass
    class RowSelected(Message):
        """A row was chosen, by enter or a second click."""

        table: LineTable
        row: int

        @property
        def control(self) -> LineTable:
            """The table."""
            return self.table

    @dataclass
    class RowsNeeded(Message):
        """Rows in sight are not there yet: `count` of them from `first` on."""

        table: LineTable
        first: int
        count: int

        @property
        def control(self) -> LineTable:
            """The table."""
            return self.table

    def __init__(
        self,
        columns: Sequence[Column],
        cells: Callable[[int], Sequence[Cell] | None],
        *,
        id: str | None = None,  # noqa: A002 - Textual's name for it
        classes: str | None = None,
    ) -> None:
        """Make a table of no rows.

        Args:
            columns: from left to right.
            cells: gives the cells of a row, one a column; None where they are not there yet.
            id: the widget's id.
            classes: the widget's classes.
        """
        super().__init__(id=id, classes=classes)
        self._columns = columns
        self._cells = cells
        self._rows = 0
        self._asked: tuple[int, int] | None = None

    @property
    def columns(self) -> Sequence[Column]:
        """The columns from left to right, hidden ones included; setting them repaints the table."""
        return self._columns

    @columns.setter
    def columns(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        self.refresh()

    @property
    def row_count(self) -> int:
        """Number of rows."""
        return self._rows

    def set_row_count(self, count: int) -> None:
        """Tell how many rows there are now; the cursor stays as far as it can."""
        before, self._rows = self._rows, count
        self.virtual_size = Size(0, count + 1)
        if count != before:
            self.cursor = min(self.cursor, max(0, count - 1))
            self.rows_changed()
        if count and not before:
            self.post_message(self.RowHighlighted(self, self.cursor))

    def rows_changed(self, rows: Iterable[int] | None = None) -> None:
        """Repaint rows whose cells are other ones now; all in sight where none are named."""
        self._asked = None
        if rows is None:
            self.refresh()
            return
        first, count = self.rows_in_sight
        for row in rows:
            if first <= row < first + count:
                self.refresh_line(row + 1)

    def cells_changed(self, row: int, old: Sequence[Cell], new: Sequence[Cell]) -> None:
        """Repaint a row from the first to the last column whose cell changed.

        Args:
            row: the row; one out of sight costs nothing.
            old: the cells as they were painted, one a column.
            new: the cells now.
        """
        first, count = self.rows_in_sight
        if not first <= row < first + count:
            return
        widths = column_widths(self.columns, self._text_width - len(_MARK))
        changed = [i for i, width in enumerate(widths) if width and old[i] != new[i]]
        if changed:
            begin = len(_MARK) + _room(widths[: changed[0]])
            width = _room(widths[changed[0] : changed[-1] + 1]) - _GAP
            self.refresh(Region(begin, row - first + 1, width, 1))

    @property
    def _text_width(self) -> int:
        """Cells for the text: all but the one for the mark."""
        return max(0, self.scrollable_content_region.width - 1)

    @property
    def rows_in_sight(self) -> tuple[int, int]:
        """The first row in sight, and how many there are."""
        first = self.scroll_offset.y
        return first, max(0, min(self._rows - first, self._lines_in_sight))

    def validate_cursor(self, cursor: int) -> int:
        """Keep the cursor on a row."""
        return max(0, min(cursor, self._rows - 1))

    def watch_cursor(self, before: int, now: int) -> None:
        """Repaint two lines, or scroll by half a page so that most moves repaint no more."""
        self.refresh_line(before + 1)
        self.refresh_line(now + 1)
        self._bring_into_sight(now)
        self.post_message(self.RowHighlighted(self, now))

    def _bring_into_sight(self, row: int) -> None:
        first = self.scroll_offset.y
        height = max(1, self._lines_in_sight)
        if first <= row < first + height:
            return
        self.scroll_to(y=row - height // 2, animate=False)

    def action_move(self, by: int) -> None:
        """Move the cursor by rows."""
        self.cursor += by

    def action_page(self, by: int) -> None:
        """Move the cursor by pages."""
        self.cursor += by * max(1, self.scrollable_content_region.height - 2)

    def action_first(self) -> None:
        """Go to the first row."""
        self.cursor = 0

    def action_last(self) -> None:
        """Go to the last row."""
        self.cursor = self._rows - 1

    def action_select(self) -> None:
        """Choose the row under the cursor."""
        if self._rows:
            self.post_message(self.RowSelected(self, self.cursor))

    def on_click(self, event: events.Click) -> None:
        """One click moves the cursor, two choose the row."""
        if event.y < 1:
            return
        if event.x == self.scrollable_content_region.width - 1:
            self.cursor = line_at(event.y - 1, self._lines_in_sight, self._rows)
            return
        row = self.scroll_offset.y + event.y - 1
        if row >= self._rows:
            return
        self.cursor = row
        if event.chain == 2:
            self.action_select()

    def render_line(self, y: int) -> Strip:
        """One line of the screen: the header, a row, or nothing; the last cell is for the mark."""
        mark = marked_line(self._lines_in_sight, self.scroll_offset.y, self._rows)
        strip, style = self._line(y)
        width = self.scrollable_content_region.width
        return with_mark(strip, width, style, marked=y - 1 == mark)

    @property
    def _lines_in_sight(self) -> int:
        """Lines for rows: all but the header."""
        return max(0, self.scrollable_content_region.height - 1)

    def _line(self, y: int) -> tuple[Strip, Style]:
        """The text of a line, and the style of what is blank in it."""
        width = self._text_width
        row = self.scroll_offset.y + y - 1
        if y == 0:
            style = self.get_component_rich_style("line-table--header")
            titles = [column.title for column in self.columns]
            return self._strip(titles, _NO_MARK, style, width), style
        if row >= self._rows:
            return Strip.blank(width, self.rich_style), self.rich_style
        here = row == self.cursor
        style = self.get_component_rich_style("line-table--row")
        if here:
            style += self.get_component_rich_style("line-table--cursor")
        cells = self._cells(row)
        if cells is None:
            self._ask_for_rows()
            cells = [""] * len(self.columns)
        return self._strip(cells, _MARK if here else _NO_MARK, style, width), style

    def _ask_for_rows(self) -> None:
        sight = self.rows_in_sight
        if self._asked != sight:
            self._asked = sight
            # Painting happens on behalf of the screen, and a message never bubbles to its sender.
            self.post_message(self.RowsNeeded(self, *sight).set_sender(self))

    def _strip(self, cells: Sequence[Cell], mark: str, style: Style, width: int) -> Strip:
        segments = [Segment(mark, style)]
        widths = column_widths(self.columns, width - len(mark))
        for column, room, cell in zip(self.columns, widths, cells, strict=True):
            if not room:
                continue
            text, tone = (cell, Tone.NONE) if isinstance(cell, str) else cell
            fitted = fit(text, room, right=column.right)
            # A blank looks the same in any colour; each change of colour costs 40 bytes over SSH.
            before = segments[-1].style or style
            coloured = self._coloured(style, tone) if fitted.strip() else before
            if len(segments) > 1:
                segments.append(Segment(" " * _GAP, before))
            segments.append(Segment(fitted, coloured))
        return Strip(segments).adjust_cell_length(width, style)

    def _coloured(self, style: Style, tone: Tone) -> Style:
        if tone is Tone.NONE:
            return style
        return style + self.get_component_rich_style(f"line-table--{tone.value}", partial=True)
