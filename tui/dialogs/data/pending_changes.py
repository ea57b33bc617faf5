"""What was changed in a file and is not written yet, newest first."""

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
from tui.domain.loop import Tone
from tui.domain.rows.edits import UNTOUCHED, EditStep, RowEdit
from tui.domain.text import number, plural
from tui.widgets.line_table import Cell, Column, LineTable

_COLUMNS = [
    Column("step", 6, right=True),
    Column("what was done"),
    Column("rows", 9, right=True),
    Column("state", 8),
]
_KEYS = "↑↓ other step  esc closes; then u undoes, ctrl+r redoes, w writes"
_LOOKED_AT = 2_000
"""Rows of a step whose lines are looked up."""
_LONGEST = 240
"""Characters of the numbers of lines: what four lines at 80 columns hold."""


class PendingChanges(Dialog[None]):
    """The steps, newest first, and the lines that the one under the cursor changed."""

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
        """Show changes.

        Args:
            steps: what was done, oldest first.
            line_of: the number of a row's line in the file.
            undone: what redo would do again, next first.
        """
        super().__init__()
        self._line_of = line_of
        self._done = len(steps)
        self._listed = [*reversed(undone), *reversed(steps)]
        self._summary = summary(steps)

    def compose(self) -> ComposeResult:
        """A sentence, the steps, the lines of one step."""
        with Vertical(classes="dialog -large" if self._listed else "dialog"):
            yield Static("Pending changes", classes="dialog--title", markup=False)
            yield Static(self._summary, classes="dialog--about", markup=False)
            if self._listed:
                yield LineTable(_COLUMNS, self._cells)
            yield Static(id="pending-lines", classes="muted", markup=False)
            yield Static(
                _KEYS if self._listed else "esc closes",
                classes="dialog--hint",
                markup=False,
            )

    def on_mount(self) -> None:
        """Start at what `u` would undo."""
        for table in self.query(LineTable):
            table.set_row_count(len(self._listed))
            table.cursor = len(self._listed) - self._done
            table.focus()

    def _cells(self, row: int) -> Sequence[Cell]:
        step = self._listed[row]
        position = len(self._listed) - row
        undone = position > self._done
        state: Cell = "– undone" if undone else ("✓ done", Tone.GOOD)
        return [str(position), step.words, number(len(step.after)), state]

    @on(LineTable.RowHighlighted)
    def _show(self) -> None:
        step = self._listed[self.query_one(LineTable).cursor]
        self.query_one("#pending-lines", Static).update(Content(self._where(step)))

    def _where(self, step: EditStep) -> str:
        lines = [self._line_of(row) for row in sorted(step.after)[:_LOOKED_AT]]
        beyond = len(step.after) - len(lines)
        more = f" and {plural(beyond, 'row')} more" if beyond else ""
        return f"{'line' if len(step.after) == 1 else 'lines'} {_ranges(lines)}{more}"


def _ranges(lines: Sequence[int]) -> str:
    """Numbers in order, neighbours drawn together: `4, 7-9, 30`; cut where they are too many."""
    parts: list[tuple[int, int]] = []
    for line in lines:
        if parts and parts[-1][1] == line - 1:
            parts[-1] = parts[-1][0], line
        else:
            parts.append((line, line))
    words = [str(first) if first == last else f"{first}-{last}" for first, last in parts]
    return textwrap.shorten(", ".join(words), _LONGEST, placeholder=" …")


def summary(steps: Sequence[EditStep]) -> str:
    """What the steps come to, as one sentence."""
    left: dict[int, RowEdit] = {}
    for step in steps:
        left.update(step.after)
    excluded = sum(edit.excluded for edit in left.values())
    edited = sum(edit != UNTOUCHED for edit in left.values()) - excluded
    if not edited and not excluded:
        return "Every row is as in the file: nothing is changed."
    return (
        f"{plural(edited, 'row')} edited, {number(excluded)} excluded. "
        "Nothing is written until you write a new file (w)."
    )
