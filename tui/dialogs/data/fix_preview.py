"""Preview a fix before it is applied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Static

from tui.dialogs.dialog import Dialog
from tui.domain.rows.diff import DiffLine
from tui.domain.text import number, scrub
from tui.widgets.diff_view import DiffView
from tui.widgets.line_table import Cell, Column, LineTable

_COLUMNS = [Column("problem", 26), Column("fix")]

_KEYS = "↑↓ select a fix  pgup pgdn scroll  u undoes a fix; nothing is written until w"


@dataclass(frozen=True, slots=True)
class FixChoice:
    """A fix that can be applied to a row.

    Attributes:
        code: of the problem that it fixes.
        description: such as `repair the encoding`.
        diff: what it changes in the row.
        others: number of other rows with the same problem.
    """

    code: str
    description: str
    diff: Sequence[DiffLine]
    others: int


@dataclass(frozen=True, slots=True)
class FixAnswer:
    """The chosen fix, for this row or for all rows with the problem.

    Attributes:
        code: of the problem; empty for all that can be fixed automatically.
        all: whether to fix all rows with the problem.
    """

    code: str
    all: bool


class FixPreview(Dialog[FixAnswer | None]):
    """The fixes for a row, and below them the diff of the selected one; returns one, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close", id="dialog.close"),
        Binding("enter", "fix(False)", "Fix this row", id="fix_preview.fix_row"),
        Binding("a", "fix(True)", "Fix all rows", id="fix_preview.fix_all"),
        Binding(
            "pagedown",
            "scroll(1)",
            "Scroll the diff",
            show=False,
            priority=True,
            id="fix_preview.page_down",
        ),
        Binding(
            "pageup",
            "scroll(-1)",
            "Scroll the diff",
            show=False,
            priority=True,
            id="fix_preview.page_up",
        ),
    ]
    DEFAULT_CSS = """
    FixPreview LineTable { height: auto; max-height: 6; margin-bottom: 1; }
    """

    def __init__(self, title: str, fixes: Sequence[FixChoice], *, every: bool = False) -> None:
        """Create the dialog.

        Args:
            title: the row, such as `Line 12`.
            fixes: at least one; the first is under the cursor.
            every: offer to fix all rows with the problem, or all problems; the diff is of one row.
        """
        super().__init__()
        self._every = every
        self._title = title
        self._fixes = fixes

    def compose(self) -> ComposeResult:
        """The fixes, the diff, three buttons."""
        with Vertical(classes="dialog -large"):
            yield Static(scrub(self._title), classes="dialog--title", markup=False)
            count = Column("rows" if self._every else "other rows", 10, right=True)
            yield LineTable([*_COLUMNS, count], self._cells)
            yield DiffView()
            yield Static(_KEYS, id="fix-preview-message", classes="dialog--hint", markup=False)
            with Horizontal(classes="dialog--buttons"):
                yield Button("Close (esc)", id="close", compact=True)
                label = "Fix all kinds (a)" if self._every else "Fix all of this kind (a)"
                yield Button(label, id="all", compact=True)
                label = "Fix these rows (enter)" if self._every else "Fix this row (enter)"
                yield Button(label, id="one", variant="primary", compact=True)

    def on_mount(self) -> None:
        """Focus the list."""
        table = self.query_one(LineTable)
        table.set_row_count(len(self._fixes))
        table.focus()

    @property
    def _selected_fix(self) -> FixChoice:
        return self._fixes[self.query_one(LineTable).cursor]

    def _cells(self, row: int) -> Sequence[Cell]:
        fix = self._fixes[row]
        rows = fix.others + self._every
        return [fix.code, fix.description, number(rows) if rows else "none"]

    @on(LineTable.RowHighlighted)
    def _show(self) -> None:
        fix = self._selected_fix
        self.query_one(DiffView).show(fix.diff)
        self.query_one("#all", Button).disabled = not (self._every or fix.others)
        self._show_message(_KEYS)

    @on(Button.Pressed, "#close")
    def _close(self) -> None:
        self.dismiss(None)

    @on(LineTable.RowSelected)
    @on(Button.Pressed, "#one")
    def _fix_one(self) -> None:
        self.action_fix(False)

    @on(Button.Pressed, "#all")
    def _fix_all(self) -> None:
        self.action_fix(True)

    def action_fix(self, every: bool) -> None:
        """Return the selected fix, for this row or for all rows with the problem; or every fix."""
        if every and not self._every and not self._selected_fix.others:
            self._show_message("! No other row has this problem.")
        elif every and self._every:
            self.dismiss(FixAnswer("", all=True))
        else:
            self.dismiss(FixAnswer(self._selected_fix.code, self._every or every))

    def _show_message(self, message: str) -> None:
        self.query_one("#fix-preview-message", Static).update(message, layout=False)

    def action_scroll(self, by: int) -> None:
        """Scroll the diff."""
        self.query_one(DiffView).action_page(by)
