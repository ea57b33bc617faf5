"""A table of rows with a check box each: `[x]` and `[ ]`, readable without colour."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from tui.widgets.line_table import Cell, Column, LineTable


class CheckList(LineTable):
    """Rows with a check box; space toggles the one under the cursor, `+` and `-` all."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "tick", "Tick", id="check_list.tick"),
        Binding("plus", "all(True)", "Tick all", show=False, id="check_list.tick_all"),
        Binding("minus", "all(False)", "Tick none", show=False, id="check_list.tick_none"),
    ]

    @dataclass
    class Changed(Message):
        """The set of ticked rows changed."""

        check_list: CheckList

        @property
        def control(self) -> CheckList:
            """The list."""
            return self.check_list

    def __init__(
        self,
        columns: Sequence[Column],
        rows: Sequence[Sequence[Cell]],
        ticked: Iterable[int] = (),
        *,
        id: str | None = None,  # noqa: A002 - Textual's name for it
    ) -> None:
        """Create a list.

        Args:
            columns: the columns after the check box.
            rows: cells of each row, one per column.
            ticked: indices of the rows ticked at first.
            id: the widget's id.
        """
        super().__init__([Column("", 3), *columns], self._cells_of, id=id)
        self._items = rows
        self._ticked = set(ticked)

    @property
    def ticked(self) -> frozenset[int]:
        """Indices of the ticked rows."""
        return frozenset(self._ticked)

    def on_mount(self) -> None:
        """Show the rows."""
        self.set_row_count(len(self._items))

    def on_click(self, event: events.Click) -> None:
        """A click on the box toggles it."""
        super().on_click(event)
        if event.y >= 1 and event.x < 5:
            self.action_tick()

    def action_tick(self) -> None:
        """Toggle the row under the cursor."""
        if self.row_count:
            self._tick(self._ticked ^ {self.cursor})

    def action_all(self, ticked: bool) -> None:
        """Tick all rows, or none."""
        self._tick(set(range(self.row_count)) if ticked else set())

    def _tick(self, ticked: set[int]) -> None:
        changed = self._ticked ^ ticked
        self._ticked = ticked
        self.rows_changed(changed)
        if changed:
            self.post_message(self.Changed(self))

    def _cells_of(self, row: int) -> Sequence[Cell]:
        return ["[x]" if row in self._ticked else "[ ]", *self._items[row]]
