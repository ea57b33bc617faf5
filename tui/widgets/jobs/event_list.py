"""The events of a job that match a filter, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input

from tui.domain.jobs.descriptions import clock_time
from tui.domain.jobs.filters import EventFilter, level_of
from tui.domain.jobs.view import JobEvent
from tui.domain.text import number, preview
from tui.domain.tone import Tone
from tui.widgets.line_table import Cell, Column, LineTable
from tui.widgets.pane_title import PaneTitle

_COLUMNS = [Column("time", 16), Column("level", 7), Column("event")]
_LEVELS = {"warn": ("! warn", Tone.WARNED), "error": ("✗ error", Tone.BAD)}


class EventList(Vertical):
    """A title, a filter input while one is typed, the events."""

    DEFAULT_CSS = """
    EventList Horizontal { height: 1; }
    EventList PaneTitle { width: 1fr; }
    EventList Input { width: 1fr; display: none; }
    EventList Input.-typing { display: block; }
    """

    @dataclass
    class Opened(Message):
        """An event was opened."""

        event: JobEvent

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._events: Sequence[JobEvent] = ()
        self._filter = EventFilter()
        self._rows: Sequence[int] = ()
        self._problem = ""

    def compose(self) -> ComposeResult:
        """Title, filter, table."""
        with Horizontal():
            yield PaneTitle(id="events-title")
            yield Input(placeholder="checkpoint is:warn", compact=True, id="events-filter")
        yield LineTable(_COLUMNS, self._cells, id="job-events")

    @property
    def table(self) -> LineTable:
        """The table of events."""
        return self.query_one(LineTable)

    @property
    def title(self) -> PaneTitle:
        """The line above the table."""
        return self.query_one(PaneTitle)

    def on_mount(self) -> None:
        """Show an empty list."""
        self._select()

    def show(self, events: Sequence[JobEvent]) -> None:
        """Show events, given oldest first; the cursor stays on its event."""
        if len(events) == len(self._events) and events[-1:] == self._events[-1:]:
            return
        self._events = events
        self._select()

    def begin_filter(self) -> None:
        """Open the filter input."""
        line = self.query_one(Input)
        line.add_class("-typing")
        line.focus()

    def end_filter(self) -> bool:
        """Clear the filter and close its input.

        Returns:
            Whether there was a filter.
        """
        line = self.query_one(Input)
        had_filter = bool(line.value) or line.has_class("-typing")
        line.value = ""
        line.remove_class("-typing")
        return had_filter

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        try:
            self._filter, self._problem = EventFilter.parse(event.value), ""
        except ValueError as error:
            self._filter, self._problem = EventFilter(), str(error)
        self._select()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one(Input).set_class(bool(event.value), "-typing")
        self.table.focus()

    @on(LineTable.RowSelected)
    def _open(self, message: LineTable.RowSelected) -> None:
        message.stop()
        self.post_message(self.Opened(self._event(message.row)))

    def _select(self) -> None:
        table, previous = self.table, len(self._rows)
        self._rows = (
            [index for index, event in enumerate(self._events) if self._filter.matches(event)]
            if self._filter
            else range(len(self._events))
        )
        if table.cursor and previous:
            # New events come in at the top; the cursor stays on its event.
            table.cursor += max(0, len(self._rows) - previous)
        table.set_row_count(len(self._rows))
        table.rows_changed()
        matches = f"{number(len(self._rows))} of " if self._filter else ""
        count = f"{matches}{number(len(self._events))}" if self._events else "none yet"
        self.title.show(self._problem or f"Events  {count}")

    def _event(self, row: int) -> JobEvent:
        return self._events[self._rows[len(self._rows) - 1 - row]]

    def _cells(self, row: int) -> Sequence[Cell]:
        event = self._event(row)
        level, tone = _LEVELS.get(level_of(event), (preview(event.level, 20), Tone.NONE))
        return [clock_time(event.at), (level, tone), (preview(event.message, 300), tone)]
