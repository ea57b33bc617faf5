"""The list of all jobs with its filter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from tui.domain.jobs.filters import JobFilter
from tui.domain.tone import Tone
from tui.screens.jobs.board import JobBoard, Key
from tui.widgets.filter_line import FilterLine
from tui.widgets.line_table import Cell, Column, LineTable

_WIDE = 96
COLUMNS = (
    Column("state", 13),
    Column("name", share=3),
    Column("base model", share=2),
    Column("done", 5, right=True),
    Column("ETA", 7, right=True),
    Column("loss", 6, right=True),
    Column("trend", 8, from_width=_WIDE),
    Column("valid", 6, right=True),
    Column("provider", 10, from_width=_WIDE),
    Column("age", 6, right=True),
)
"""In the order of `domain.jobs.list_rows`."""
_NAME = 1
"""Index of the column that shows which jobs are marked."""


class JobList(Vertical):
    """The jobs that match the filter, latest first; only changed lines are repainted."""

    DEFAULT_CSS = """
    JobList { height: 1fr; }
    JobList FilterLine { display: none; }
    JobList.-filtering FilterLine { display: block; layout: horizontal; }
    """

    @dataclass
    class Opened(Message):
        """A job was opened."""

        key: Key

    class SelectionChanged(Message):
        """Another job is under the cursor, or the filter has changed."""

    def __init__(self, board: JobBoard, *, ascii_only: bool) -> None:
        """Create the list.

        Args:
            board: the state of all jobs.
            ascii_only: show trends without block glyphs.
        """
        super().__init__(id="jobs-list-pane")
        self._board = board
        self._ascii_only = ascii_only
        self._filter = JobFilter()
        self._marked: list[Key] = []
        self._now = 0.0
        self._keys: list[Key] = []
        self._painted: dict[int, Sequence[Cell]] = {}

    def compose(self) -> ComposeResult:
        """Table and filter."""
        yield LineTable(COLUMNS, self._paint, id="jobs-list")
        yield FilterLine(JobFilter.parse, "tickets is:running provider:local")

    @property
    def filtered(self) -> bool:
        """Whether a filter is set."""
        return bool(self._filter)

    @property
    def filtering(self) -> bool:
        """Whether a filter is set or being typed."""
        return self.filtered or self.query_one(FilterLine).typing

    @property
    def matches(self) -> int:
        """How many jobs match the filter."""
        return len(self._keys)

    def selected_key(self) -> Key | None:
        """The job under the cursor."""
        row = self._table.cursor
        return self._keys[row] if row < len(self._keys) else None

    @property
    def marked(self) -> list[Key]:
        """The marked jobs, in the order of marking."""
        return [key for key in self._marked if key in self._board.views]

    def mark(self) -> None:
        """Mark or unmark the job under the cursor, and move the cursor down."""
        key = self.selected_key()
        if key in self._marked:
            self._marked.remove(key)
        elif key:
            self._marked.append(key)
        self._table.rows_changed([self._table.cursor])
        self._table.cursor += 1

    def focus_table(self) -> None:
        """Focus the table."""
        self._table.focus()

    def begin_filter(self) -> None:
        """Open the filter input."""
        self.add_class("-filtering")
        self.query_one(FilterLine).begin()

    def end_filter(self) -> None:
        """Clear the filter."""
        self.query_one(FilterLine).clear()
        self.remove_class("-filtering")
        self._table.focus()
        self._set_filter(JobFilter())

    def draw(self, now: float) -> None:
        """Show the state of the board.

        Args:
            now: Unix seconds.
        """
        self._now = now
        selected = self.selected_key()
        board = self._board
        previous = self._keys
        self._keys = [key for key in board.order if self._filter.matches(board.views[key])]
        self._table.set_row_count(len(self._keys))
        if selected is not None and self._keys != previous and selected in self._keys:
            # New jobs come in at the top; the cursor stays on its job.
            self._table.cursor = self._keys.index(selected)
        first, count = self._table.visible_rows
        painted = {row: cells for row, cells in self._painted.items() if 0 <= row - first < count}
        self._painted = painted
        for row, cells in list(painted.items()):
            self._table.cells_changed(row, cells, self._cells(row) or cells)

    @property
    def _table(self) -> LineTable:
        return self.query_one("#jobs-list", LineTable)

    def _cells(self, row: int) -> Sequence[Cell] | None:
        if row >= len(self._keys):
            return None
        cells = [*self._board.cells(self._keys[row], self._now, ascii_only=self._ascii_only)]
        if self._keys[row] in self._marked:
            name, mark = cells[_NAME], "*" if self._ascii_only else "◉"
            cells[_NAME] = f"{mark} {name if isinstance(name, str) else name[0]}", Tone.BUSY
        return cells

    def _paint(self, row: int) -> Sequence[Cell] | None:
        cells = self._cells(row)
        if cells is not None:
            self._painted[row] = cells
        return cells

    def _set_filter(self, new_filter: JobFilter) -> None:
        if new_filter != self._filter:
            self._filter = new_filter
            self.draw(self._now)
        self.post_message(self.SelectionChanged())

    @on(FilterLine.Cleared)
    def _clear(self, message: FilterLine.Cleared) -> None:
        message.stop()
        self.end_filter()

    @on(FilterLine.Typed)
    def _typed(self, message: FilterLine.Typed) -> None:
        message.stop()
        self._set_filter(message.filter)
        if message.entered and message.filter:
            self._table.focus()
        elif message.entered:
            self.end_filter()

    def on_line_table_row_selected(self, message: LineTable.RowSelected) -> None:
        """A job was opened."""
        message.stop()
        self.post_message(self.Opened(self._keys[message.row]))

    def on_line_table_row_highlighted(self, message: LineTable.RowHighlighted) -> None:
        """The cursor moved to another job."""
        message.stop()
        self.post_message(self.SelectionChanged())
