"""The rows of an open file: table, filter, row detail, problems."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from tui.domain.rows.filter import Order, RowFilter
from tui.domain.text import preview
from tui.screens.data.descriptions import (
    columns_of,
    describe_selection,
    row_cells,
    row_title,
    shown_problems,
)
from tui.services.datasets.datasets import Dataset, RowDetail, RowView, Status
from tui.services.datasets.row_selection import Selection, select
from tui.services.errors import FtuiError
from tui.widgets.data.problem_list import ProblemList
from tui.widgets.data.row_view import ChatView
from tui.widgets.filter_line import FilterLine
from tui.widgets.line_table import Cell, LineTable

_KEPT_ROWS = 2_000
_ROWS_AHEAD = 40
_TYPING = 0.15
"""Seconds without a key after which a filter is applied."""
_ORDERS = tuple(Order)
_EVERY_ROW = RowFilter()


@dataclass(frozen=True, slots=True)
class RowQuery:
    """Which rows are shown, in what order."""

    filter: RowFilter = _EVERY_ROW
    order: Order = Order.LINE
    descending: bool = False

    @property
    def plain(self) -> bool:
        """Whether it is every row in the order of the file."""
        return not self.filter and self.order is Order.LINE and not self.descending


class RowBrowser(Vertical):
    """Shows the rows of a dataset; posts a message when they cannot be read."""

    @dataclass
    class Failed(Message):
        """Rows can no longer be read."""

        error: FtuiError

    @dataclass
    class FileChanged(Message):
        """The file changed on disk."""

    @dataclass
    class _RowsRead(Message):
        known: int
        views: list[RowView]
        changed: bool

    @dataclass
    class _DetailRead(Message):
        known: int
        detail: RowDetail
        to_mark: bool

    @dataclass
    class _Selected(Message):
        dataset: Dataset
        row_query: RowQuery
        selection: Selection

    def __init__(self) -> None:
        super().__init__()
        self.row_query = RowQuery()
        self.hidden: frozenset[str] = frozenset()
        self._dataset: Dataset | None = None
        self._rows: Sequence[int] = ()
        self._views: dict[int, RowView] = {}
        self._detail: RowDetail | None = None
        self._as_json = False
        self._target_row: int | None = None
        self._placed: int | None = None
        self._to_mark = False
        self._known = 0
        """Counts changes to the rows or their findings; what was read before the last is stale."""

    def compose(self) -> ComposeResult:
        """The table beside the row detail; below them the filter and the row's problems."""
        with Horizontal(id="rows"):
            yield LineTable(columns_of(RowQuery().order, False, frozenset()), self._cells)
            # A border of the pane would be sent again with each of its lines.
            yield Static(id="between")
            yield ChatView()
        yield FilterLine(RowFilter.parse, "refund code:no-assistant is:invalid")
        yield ProblemList()

    def show(self, dataset: Dataset) -> None:
        """Show all rows of another file."""
        self._dataset = dataset
        self._detail = None
        self._rows = ()
        self._forget()
        self.row_query, self._target_row = RowQuery(), None
        self.query_one(FilterLine).clear()
        self.query_one(ChatView).clear()
        self.query_one(ProblemList).clear()
        self.close_detail()
        table = self.query_one(LineTable)
        table.set_row_count(0)
        self._show_query()
        table.cursor = 0

    def grown(self) -> None:
        """More rows were found."""
        if self._dataset and self.row_query.plain:
            self._rows = range(len(self._dataset))
            self.query_one(LineTable).set_row_count(len(self._rows))

    def changed(self) -> None:
        """Show the rows again after a check or an edit."""
        self._forget()
        self._target_row, self._placed = self.row, None
        if self.row_query.plain:
            self.grown()
            self.query_one(LineTable).rows_changed()
            self._read(to_mark=False)
        else:
            self._search(0.0)

    def _forget(self) -> None:
        self._known += 1
        self._views.clear()

    @property
    def row(self) -> int | None:
        """Index of the row under the cursor in the dataset; None if there is none."""
        position = self.query_one(LineTable).cursor
        return self._rows[position] if position < len(self._rows) else None

    @property
    def rows(self) -> Sequence[int]:
        """The rows shown, in order."""
        return self._rows

    @property
    def detail(self) -> RowDetail | None:
        """The row under the cursor in full; None until it is read."""
        detail = self._detail
        return detail if detail and detail.view.row == self.row else None

    @property
    def filtering(self) -> bool:
        """Whether a filter or an order is set, or a filter is being typed."""
        return not self.row_query.plain or self.query_one(FilterLine).typing

    def go_to_problem(self, step: int) -> bool:
        """Go to the next (1) or previous (-1) row with a problem; False where there is none."""
        position = self._problem_from(self.query_one(LineTable).cursor, step)
        if position is None:
            return False
        self._to_mark = True
        self.query_one(LineTable).cursor = position
        return True

    def _problem_from(self, position: int, step: int) -> int | None:
        dataset = self._dataset
        if dataset is None:
            return None
        if self.row_query.plain:
            return dataset.next_problem(position, step)
        bad, statuses = (Status.WARNED, Status.INVALID), dataset.statuses()
        beyond = len(self._rows) if step > 0 else -1
        for place in range(position + step, beyond, step):
            if self._rows[place] < len(statuses) and statuses[self._rows[place]] in bad:
                return place
        return None

    def begin_filter(self) -> None:
        """Focus the filter line."""
        self.close_detail()
        self.add_class("-filtering")
        self.query_one(FilterLine).begin()

    def clear_filter(self) -> None:
        """Show all rows; if there was no filter, in the order of the file."""
        query = replace(self.row_query, filter=_EVERY_ROW) if self.row_query.filter else RowQuery()
        self.screen.set_focus(self.query_one(LineTable))
        self.query_one(FilterLine).clear()
        self._set_query(query)

    def next_order(self) -> None:
        """Sort by the next column: the worst, or largest, first."""
        order = _ORDERS[(_ORDERS.index(self.row_query.order) + 1) % len(_ORDERS)]
        self._set_query(RowQuery(self.row_query.filter, order, order is not Order.LINE))

    def reverse_order(self) -> None:
        """Reverse the order."""
        self._set_query(replace(self.row_query, descending=not self.row_query.descending))

    def hide(self, hidden: frozenset[str]) -> None:
        """Hide the columns of these titles, and show the others."""
        self.hidden = hidden
        self._draw_columns()

    def open_detail(self) -> None:
        """Open the row detail over the table, or focus it beside the table."""
        self.screen.add_class("-detail")
        self.query_one(ChatView).focus()

    def close_detail(self) -> None:
        """Return to the table."""
        self.screen.remove_class("-detail")
        self.query_one(LineTable).focus()

    def switch_json(self) -> str:
        """Show the row as JSON, or as a conversation again.

        Returns:
            How rows open from now on, as a sentence; empty where a row is visible.
        """
        self._as_json = not self._as_json
        self._draw_detail()
        if self.query_one(ChatView).display:
            return ""
        return f"Rows open {'as JSON' if self._as_json else 'as conversations'}."

    @on(FilterLine.Cleared)
    def _clear(self, message: FilterLine.Cleared) -> None:
        message.stop()
        self.clear_filter()

    @on(FilterLine.Typed)
    def _typed(self, message: FilterLine.Typed) -> None:
        message.stop()
        if message.entered:
            self.screen.set_focus(self.query_one(LineTable))
        wait = 0.0 if message.entered else _TYPING
        self._set_query(replace(self.row_query, filter=message.filter), wait)

    def _set_query(self, query: RowQuery, wait: float = 0.0) -> None:
        before, self.row_query = self.row_query, query
        resorted = (query.order, query.descending) != (before.order, before.descending)
        if query != before:
            self._show_query(wait, row=None if resorted else self.row)
        self.set_class(not query.plain or self.query_one(FilterLine).typing, "-filtering")

    def _show_query(self, wait: float = 0.0, row: int | None = None) -> None:
        self._target_row, self._placed = row, None
        self._draw_columns()
        if self.row_query.plain:
            self.workers.cancel_group(self, "search")
            self.remove_class("-filtering")
            self._show_selection(range(len(self._dataset or ())))
        else:
            self.query_one(FilterLine).show("searching …")
            self._search(wait)

    @work(exclusive=True, group="search", exit_on_error=False)
    async def _search(self, wait: float) -> None:
        dataset, query = self._dataset, self.row_query
        if dataset is None:
            return
        await asyncio.sleep(wait)
        try:
            selections = select(dataset, query.filter, query.order, query.descending)
            async for selection in selections:
                self.post_message(self._Selected(dataset, query, selection))
        except FtuiError as error:
            self.post_message(self.Failed(error))

    @on(_Selected)
    def _show_selected(self, message: _Selected) -> None:
        if message.dataset is not self._dataset or message.row_query != self.row_query:
            return
        self._show_selection(message.selection.rows)
        query = self.row_query
        self.query_one(FilterLine).show(
            describe_selection(query.filter, query.order, query.descending, message.selection)
        )

    def _show_selection(self, rows: Sequence[int]) -> None:
        """Show these rows, with the cursor on the same row as before or near it."""
        if self._placed is not None and self.row != self._placed:
            self._target_row = self.row  # the cursor was moved during the search
        self._rows = rows
        table = self.query_one(LineTable)
        table.set_row_count(len(rows))
        table.rows_changed()
        position = self._position_of(self._target_row)
        self._placed = rows[position] if position < len(rows) else None
        if position != table.cursor:
            table.cursor = position
        else:
            self._read(to_mark=False)

    def _position_of(self, row: int | None) -> int:
        """Position of a row, or where it was; 0 for None."""
        if row is None or not self._rows:
            return 0
        if self.row_query.order is Order.LINE and not self.row_query.descending:
            return min(bisect_left(self._rows, row), len(self._rows) - 1)
        try:
            return self._rows.index(row)
        except ValueError:
            return self.query_one(LineTable).cursor

    def _draw_columns(self) -> None:
        query = self.row_query
        table = self.query_one(LineTable)
        table.columns = columns_of(query.order, query.descending, self.hidden)

    def _cells(self, position: int) -> Sequence[Cell] | None:
        view = self._views.get(self._rows[position]) if position < len(self._rows) else None
        return row_cells(view) if view else None

    @on(LineTable.RowsNeeded)
    def _read_rows_needed(self, message: LineTable.RowsNeeded) -> None:
        message.stop()
        first = max(0, message.first - _ROWS_AHEAD)
        if self._dataset:
            rows = self._rows[first : message.first + message.count + _ROWS_AHEAD]
            self._read_rows(self._dataset, rows)

    @work(exclusive=True, group="rows", exit_on_error=False)
    async def _read_rows(self, dataset: Dataset, rows: Sequence[int]) -> None:
        known = self._known
        try:
            views = await dataset.rows(rows)
            self.post_message(self._RowsRead(known, views, await dataset.changed()))
        except FtuiError as error:
            self.post_message(self.Failed(error))

    @on(_RowsRead)
    def _show_rows(self, message: _RowsRead) -> None:
        if message.known != self._known:
            return
        if len(self._views) > _KEPT_ROWS:
            self._views.clear()
        self._views |= {view.row: view for view in message.views}
        table = self.query_one(LineTable)
        first, count = table.visible_rows
        read = {view.row for view in message.views}
        table.rows_changed(
            at
            for at in range(first, first + count)
            if at < len(self._rows) and self._rows[at] in read
        )
        if message.changed:
            self.post_message(self.FileChanged())

    @on(LineTable.RowHighlighted)
    def _highlighted(self, message: LineTable.RowHighlighted) -> None:
        message.stop()
        self._read(to_mark=self._to_mark)
        self._to_mark = False

    @on(LineTable.RowSelected)
    def _selected(self, message: LineTable.RowSelected) -> None:
        message.stop()
        self.open_detail()

    def _read(self, *, to_mark: bool) -> None:
        row = self.row
        if self._dataset and row is not None:
            self._read_detail(self._dataset, row, to_mark)
        elif self._dataset:
            self._detail = None
            self.query_one(ChatView).clear()
            self.query_one(ProblemList).clear("No matching rows; esc shows all rows.")

    @work(exclusive=True, group="detail", exit_on_error=False)
    async def _read_detail(self, dataset: Dataset, row: int, to_mark: bool) -> None:
        known = self._known
        try:
            self.post_message(self._DetailRead(known, await dataset.detail(row), to_mark))
        except FtuiError as error:
            self.post_message(self.Failed(error))

    @on(_DetailRead)
    def _show_detail(self, message: _DetailRead) -> None:
        detail = message.detail
        if message.known != self._known or detail.view.row != self.row:
            return
        self._detail = detail
        self._draw_detail()
        if message.to_mark:
            self.query_one(ChatView).scroll_to_mark()

    def _draw_detail(self) -> None:
        detail, dataset = self.detail, self._dataset
        if detail is None or dataset is None:
            return
        chat = self.query_one(ChatView)
        problems = detail.view.problems
        if detail.example and not self._as_json:
            chat.show_example(detail.example, shown_problems(problems, dataset.format))
        else:
            chat.show_json(detail.raw, problems)
        self.query_one(ProblemList).show(detail.view.line, problems, row_title(detail.view))

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Report an unexpected failure of a worker."""
        if event.state is WorkerState.ERROR:
            failure = preview(f"{type(event.worker.error).__name__}: {event.worker.error}")
            text = f"A background task failed unexpectedly ({failure})."
            self.post_message(self.Failed(FtuiError(text)))
