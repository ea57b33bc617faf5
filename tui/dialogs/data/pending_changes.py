"""The changes to a file that are not written yet, newest first."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from tui.dialogs.dialog import Dialog
from tui.domain.rows.edits import UNTOUCHED, EditStep, RowEdit
from tui.domain.text import number, plural
from tui.domain.tone import Tone
from tui.widgets.line_table import Cell, Column, LineTable

_COLUMNS = [
    Column("step", 6, right=True),
    Column("change"),
    Column("rows", 9, right=True),
    Column("state", 8),
]
_KEYS = "↑↓ select a step  esc closes; then u undoes, ctrl+r redoes, w writes"
_MAX_ROWS = 2_000
"""Rows of a step whose line numbers are looked up."""
_MAX_CHARACTERS = 240
"""Length of the list of line numbers: four lines at 80 columns."""


class PendingChanges(Dialog[None]):
    """The steps, newest first, and the lines changed by the one under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,v,q", "dismiss", "Close", id="dialog.close")
    ]
    DEFAULT_CSS = """
    PendingChanges LineTable { height: 1fr; }
    PendingChanges #pending-lines { height: 4; margin-top: 1; }
    """

    def __init__(
        self,
        steps: Sequence[EditStep],
        line_of: Callable[[int], int],
        undone: Sequence[EditStep] = (),
    ) -> None:
        """Create the dialog.

        Args:
            steps: the changes, oldest first.
            line_of: returns the line number of a row.
            undone: the changes that can be redone, next first.
        """
        super().__init__()
        self._line_of = line_of
        self._applied = len(steps)
        self._steps = [*reversed(undone), *reversed(steps)]
        self._summary = summary(steps)

    def compose(self) -> ComposeResult:
        """A summary, the steps, the lines of one step."""
        with Vertical(classes="dialog -large" if self._steps else "dialog"):
            yield Static("Pending changes", classes="dialog--title", markup=False)
            yield Static(self._summary, classes="dialog--about", markup=False)
            if self._steps:
                yield LineTable(_COLUMNS, self._cells)
            yield Static(id="pending-lines", classes="muted", markup=False)
            yield Static(
                _KEYS if self._steps else "esc closes",
                classes="dialog--hint",
                markup=False,
            )

    def on_mount(self) -> None:
        """Focus the step that `u` would undo."""
        for table in self.query(LineTable):
            table.set_row_count(len(self._steps))
            table.cursor = len(self._steps) - self._applied
            table.focus()

    def _cells(self, row: int) -> Sequence[Cell]:
        step = self._steps[row]
        position = len(self._steps) - row
        undone = position > self._applied
        state: Cell = "– undone" if undone else ("✓ done", Tone.GOOD)
        return [str(position), step.description, number(len(step.after)), state]

    @on(LineTable.RowHighlighted)
    def _show(self) -> None:
        step = self._steps[self.query_one(LineTable).cursor]
        self.query_one("#pending-lines", Static).update(Content(self._where(step)))

    def _where(self, step: EditStep) -> str:
        lines = [self._line_of(row) for row in sorted(step.after)[:_MAX_ROWS]]
        beyond = len(step.after) - len(lines)
        more = f" and {plural(beyond, 'row')} more" if beyond else ""
        return f"{'line' if len(step.after) == 1 else 'lines'} {_ranges(lines)}{more}"


def _ranges(lines: Sequence[int]) -> str:
    """Sorted numbers as ranges: `4, 7-9, 30`; shortened if there are too many."""
    parts: list[tuple[int, int]] = []
    for line in lines:
        if parts and parts[-1][1] == line - 1:
            parts[-1] = parts[-1][0], line
        else:
            parts.append((line, line))
    ranges = [str(first) if first == last else f"{first}-{last}" for first, last in parts]
    return textwrap.shorten(", ".join(ranges), _MAX_CHARACTERS, placeholder=" …")


def summary(steps: Sequence[EditStep]) -> str:
    """The net effect of the steps, as one sentence."""
    edits: dict[int, RowEdit] = {}
    for step in steps:
        edits.update(step.after)
    excluded = sum(edit.excluded for edit in edits.values())
    edited = sum(edit != UNTOUCHED for edit in edits.values()) - excluded
    if not edited and not excluded:
        return "No changes: every row is as in the file."
    return (
        f"{plural(edited, 'row')} edited, {number(excluded)} excluded. "
        "Nothing is written until you write a new file (w)."
    )
