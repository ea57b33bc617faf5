"""The list of all jobs with its filter: what is typed, where the cursor is, which lines changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from tui.domain.jobs.filters import JobFilter
from tui.domain.loop import Tone
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
"""As `domain.job_rows.ROW_TITLES`."""
_NAME = 1
"""Place of the column that shows which jobs are marked."""


class JobList(Vertical):
    """Every job that the filter wants, latest first; only lines that changed are repainted."""

    DEFAULT_CSS = """
    JobList { height: 1fr; }
    JobList FilterLine { display: none; }
    JobList.-filtering FilterLine { display: block; layout: horizontal; }
    """

    @dataclass
    class Opened(Message):
        """A job was chosen."""

        key: Key

    class Moved(Message):
        """Another job is under the cursor, or other jobs are wanted."""

    def __init__(self, board: JobBoard, *, ascii_only: bool) -> None:
        """Make a list of the board's jobs.

        Args:
            board: what is known of the jobs.
            ascii_only: whether trends are told without block glyphs.
        """
        super().__init__(id="jobs-list-pane")
        self._board = board
        self._ascii_only = ascii_only
        self._wanted = JobFilter()
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
        """Whether not all jobs are shown."""
        return bool(self._wanted)

    @property
    def filtering(self) -> bool:
        """Whether a filter is set, or typed."""
        return self.filtered or self.query_one(FilterLine).typing

    @property
    def shown(self) -> int:
        """How many jobs the filter wants."""
        return len(self._keys)

    def selected_key(self) -> Key | None:
        """The job under the cursor."""
        row = self._table.cursor
        return self._keys[row] if row < len(self._keys) else None

    @property
    def marked(self) -> list[Key]:
        """The jobs that are marked, in the order in which they were."""
        return [key for key in self._marked if key in self._board.views]

    def mark(self) -> None:
        """Mark the job under the cursor, or take its mark away; the cursor goes on."""
        key = self.selected_key()
        if key in self._marked:
            self._marked.remove(key)
        elif key:
            self._marked.append(key)
        self._table.rows_changed([self._table.cursor])
        self._table.cursor += 1

    def focus_table(self) -> None:
        """Let the keys move the cursor."""
        self._table.focus()

    def begin_filter(self) -> None:
        """Let a person type a filter."""
        self.add_class("-filtering")
        self.query_one(FilterLine).begin()

    def end_filter(self) -> None:
        """Show all jobs again."""
        self.query_one(FilterLine).clear()
        self.remove_class("-filtering")
        self._table.focus()
        self._want(JobFilter())

    def draw(self, now: float) -> None:
        """Bring the list in line with the board.

        Args:
            now: Unix seconds.
        """
        self._now = now
        chosen = self.selected_key()
        board = self._board
        before = self._keys
        self._keys = [key for key in board.order if self._wanted.matches(board.views[key])]
        self._table.set_row_count(len(self._keys))
        if chosen is not None and self._keys != before and chosen in self._keys:
            # A job that was started elsewhere comes in above; the cursor stays on its job.
            self._table.cursor = self._keys.index(chosen)
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

    def _want(self, wanted: JobFilter) -> None:
        if wanted != self._wanted:
            self._wanted = wanted
            self.draw(self._now)
        self.post_message(self.Moved())

    @on(FilterLine.Typed)
    def _typed(self, message: FilterLine.Typed) -> None:
        message.stop()
        self._want(message.filter)
        if message.entered and message.filter:
            self._table.focus()
        elif message.entered:
            self.end_filter()

    def on_line_table_row_selected(self, message: LineTable.RowSelected) -> None:
        """A job was chosen."""
        message.stop()
        self.post_message(self.Opened(self._keys[message.row]))

    def on_line_table_row_highlighted(self, message: LineTable.RowHighlighted) -> None:
        """The cursor came to another job."""
        message.stop()
        self.post_message(self.Moved())
