"""A table of any length: rows are requested when they become visible, and repainted singly.

    class Squares(Screen[None]):
        def compose(self) -> ComposeResult:
            yield LineTable([Column("n", 7, right=True), Column("square")], self.cells)

        def on_mount(self) -> None:
            self.query_one(LineTable).set_row_count(1_000_000)

        def cells(self, row: int) -> Sequence[Cell]:
            return [str(row), ("odd", Tone.WARNED) if row % 2 else str(row * row)]

        def on_line_table_row_selected(self, message: LineTable.RowSelected) -> None:
            self.notify(f"row {message.row} was selected")

A row that is not loaded yet gives None and is requested with `RowsNeeded`; call `rows_changed`
once it is loaded.
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

from tui.domain.text import scrub
from tui.domain.tone import Tone
from tui.widgets.scroll_mark import line_at, marked_line, with_mark
from tui.widgets.tones import tone_css

Cell = str | tuple[str, Tone]
"""Text of one cell, optionally with its tone. It is scrubbed, cut and padded here."""

_GAP = 1
_MARK = "▸ "
_NO_MARK = "  "


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        title: text of the header.
        width: in cells; 0 for a share of what the others leave.
        share: weight of its share among the columns without a width.
        right: whether its text is right-aligned.
        from_width: narrowest table that shows the column.
        hidden: whether it is hidden at any width.
    """

    title: str
    width: int = 0
    share: int = 1
    right: bool = False
    from_width: int = 0
    hidden: bool = False

    def shown_at(self, width: int) -> bool:
        """Whether a table of this width shows the column."""
        return not self.hidden and width >= self.from_width


def column_widths(columns: Sequence[Column], width: int) -> list[int]:
    """Width of each column without gaps; 0 for a column that is not shown.

    Args:
        columns: the columns.
        width: cells of the table without the cursor mark.
    """
    shown = [column for column in columns if column.shown_at(width)]
    fixed = sum(column.width for column in shown)
    shares = sum(column.share for column in shown if not column.width)
    room = max(0, width - fixed - _GAP * (len(shown) - 1))
    widths, weight, spent = [], 0, 0
    for column in columns:
        if not column.shown_at(width):
            widths.append(0)
        elif column.width:
            widths.append(column.width)
        else:
            weight += column.share
            total = room * weight // shares
            widths.append(max(1, total - spent))
            spent = total
    return widths


def _room(widths: Iterable[int]) -> int:
    """Cells that columns take with the gap after each; one of no width is not shown."""
    return sum(width + _GAP for width in widths if width)


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Fit text into exactly `width` cells: scrubbed, cut with an ellipsis, padded.

    A wide character that would be cut in half becomes a space.
    """
    shown = scrub(text[: 4 * width + 64])
    size = cell_len(shown)
    if size > width:
        return set_cell_size(shown, width - 1) + "…" if width > 1 else "…"[:width]
    return " " * (width - size) + shown if right else shown + " " * (width - size)


class LineTable(ScrollView, can_focus=True):
    """Rows on demand, a cursor, a fixed header; its memory does not grow with its rows."""

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
    """Index of the row under the cursor; setting it scrolls it into view."""

    @dataclass
    class TableMessage(Message):
        """A message of a table."""

        table: LineTable

        @property
        def control(self) -> LineTable:
            """The table."""
            return self.table

    @dataclass
    class RowHighlighted(TableMessage):
        """The cursor moved to a row."""

        row: int

    @dataclass
    class RowSelected(TableMessage):
        """A row was selected, by enter or a double click."""

        row: int

    @dataclass
    class RowsNeeded(TableMessage):
        """Visible rows are not loaded yet: `count` of them from `first` on."""

        first: int
        count: int

    def __init__(
        self,
        columns: Sequence[Column],
        cells: Callable[[int], Sequence[Cell] | None],
        *,
        id: str | None = None,  # noqa: A002 - Textual's name for it
        classes: str | None = None,
    ) -> None:
        """Create an empty table.

        Args:
            columns: from left to right.
            cells: returns the cells of a row, one per column; None if they are not loaded yet.
            id: the widget's id.
            classes: the widget's classes.
        """
        super().__init__(id=id, classes=classes)
        self._columns = columns
        self._cells = cells
        self._rows = 0
        self._requested: tuple[int, int] | None = None

    @property
    def columns(self) -> Sequence[Column]:
        """All columns from left to right, also hidden ones; setting them repaints the table."""
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
        """Set the number of rows; the cursor stays if it can."""
        before, self._rows = self._rows, count
        self.virtual_size = Size(0, count + 1)
        if count != before:
            self.cursor = min(self.cursor, max(0, count - 1))
            self.rows_changed()
        if count and not before:
            self.post_message(self.RowHighlighted(self, self.cursor))

    def rows_changed(self, rows: Iterable[int] | None = None) -> None:
        """Repaint rows whose cells changed; all visible rows if None."""
        self._requested = None
        if rows is None:
            self.refresh()
            return
        first, count = self.visible_rows
        for row in rows:
            if first <= row < first + count:
                self.refresh_line(row + 1)

    def cells_changed(self, row: int, old: Sequence[Cell], new: Sequence[Cell]) -> None:
        """Repaint a row from the first to the last column whose cell changed.

        Args:
            row: its index; an invisible row is ignored.
            old: the cells as they were painted, one per column.
            new: the cells now.
        """
        first, count = self.visible_rows
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
    def visible_rows(self) -> tuple[int, int]:
        """Index of the first visible row, and the number of visible rows."""
        first = self.scroll_offset.y
        return first, max(0, min(self._rows - first, self._visible_lines))

    def validate_cursor(self, cursor: int) -> int:
        """Keep the cursor on a row."""
        return max(0, min(cursor, self._rows - 1))

    def watch_cursor(self, old: int, new: int) -> None:
        """Repaint two lines, or scroll by half a page so that most moves do no more than that."""
        self.refresh_line(old + 1)
        self.refresh_line(new + 1)
        self._scroll_into_view(new)
        self.post_message(self.RowHighlighted(self, new))

    def _scroll_into_view(self, row: int) -> None:
        first = self.scroll_offset.y
        height = max(1, self._visible_lines)
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
        """Select the row under the cursor."""
        if self._rows:
            self.post_message(self.RowSelected(self, self.cursor))

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor, a double click selects the row."""
        if event.y < 1:
            return
        if event.x == self.scrollable_content_region.width - 1:
            self.cursor = line_at(event.y - 1, self._visible_lines, self._rows)
            return
        row = self.scroll_offset.y + event.y - 1
        if row >= self._rows:
            return
        self.cursor = row
        if event.chain == 2:
            self.action_select()

    def render_line(self, y: int) -> Strip:
        """One line of the screen: the header, a row, or nothing; the last cell is for the mark."""
        mark = marked_line(self._visible_lines, self.scroll_offset.y, self._rows)
        strip, style = self._line(y)
        width = self.scrollable_content_region.width
        return with_mark(strip, width, style, marked=y - 1 == mark)

    @property
    def _visible_lines(self) -> int:
        """Lines for rows: all but the header."""
        return max(0, self.scrollable_content_region.height - 1)

    def _line(self, y: int) -> tuple[Strip, Style]:
        """The strip of a line, and the style of its blanks."""
        width = self._text_width
        row = self.scroll_offset.y + y - 1
        if y == 0:
            style = self.get_component_rich_style("line-table--header")
            titles = [column.title for column in self.columns]
            return self._strip(titles, _NO_MARK, style, width), style
        if row >= self._rows:
            return Strip.blank(width, self.rich_style), self.rich_style
        is_cursor = row == self.cursor
        style = self.get_component_rich_style("line-table--row")
        if is_cursor:
            style += self.get_component_rich_style("line-table--cursor")
        cells = self._cells(row)
        if cells is None:
            self._request_rows()
            cells = [""] * len(self.columns)
        return self._strip(cells, _MARK if is_cursor else _NO_MARK, style, width), style

    def _request_rows(self) -> None:
        visible = self.visible_rows
        if self._requested != visible:
            self._requested = visible
            # The sender is the screen while it paints, and a message never bubbles to its sender.
            self.post_message(self.RowsNeeded(self, *visible).set_sender(self))

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
