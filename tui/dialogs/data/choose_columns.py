"""Choose which columns of a table are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Static

from tui.dialogs.dialog import Dialog
from tui.widgets.check_list import CheckList
from tui.widgets.line_table import Column


class ChooseColumns(Dialog[frozenset[str] | None]):
    """The columns, ticked if shown; returns those to hide, or None if cancelled."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close", id="dialog.close"),
        Binding("enter", "apply", "Apply", id="choose_columns.apply"),
    ]
    DEFAULT_CSS = """
    ChooseColumns CheckList { height: auto; max-height: 12; }
    ChooseColumns #choose-columns-message { height: 1; }
    """

    def __init__(self, titles: Sequence[str], hidden: frozenset[str]) -> None:
        """Create the dialog.

        Args:
            titles: of all columns, from left to right.
            hidden: titles of the hidden columns.
        """
        super().__init__()
        self._titles = titles
        self._hidden = hidden

    def compose(self) -> ComposeResult:
        """The list, an error, two buttons."""
        shown = [i for i, title in enumerate(self._titles) if title not in self._hidden]
        with Vertical(classes="dialog"):
            yield Static("Columns to show", classes="dialog--title", markup=False)
            yield CheckList([Column("column")], [[title] for title in self._titles], shown)
            yield Static(id="choose-columns-message", classes="bad", markup=False)
            yield Static("space ticks  + all  - none", classes="dialog--hint", markup=False)
            with Horizontal(classes="dialog--buttons"):
                yield Button("Close (esc)", id="close", compact=True)
                yield Button("Apply (enter)", id="apply", variant="primary", compact=True)

    def on_mount(self) -> None:
        """Focus the list."""
        self.query_one(CheckList).focus()

    @on(CheckList.Changed)
    def _validate(self) -> None:
        error = "" if self.query_one(CheckList).ticked else "✗ Select at least one column."
        self.query_one("#choose-columns-message", Static).update(error)

    @on(Button.Pressed, "#close")
    def _close(self) -> None:
        self.dismiss(None)

    @on(CheckList.RowSelected)
    @on(Button.Pressed, "#apply")
    def action_apply(self) -> None:
        """Return the columns to hide, unless that is all of them."""
        ticked = self.query_one(CheckList).ticked
        if ticked:
            hidden = [title for i, title in enumerate(self._titles) if i not in ticked]
            self.dismiss(frozenset(hidden))
