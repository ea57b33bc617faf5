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
    """The columns, ticked where they are shown; gives those to hide, or None to change nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close", id="dialog.close"),
        Binding("enter", "take", "Take", id="choose_columns.apply"),
    ]
    DEFAULT_CSS = """
    ChooseColumns CheckList { height: auto; max-height: 12; }
    ChooseColumns #choose-columns-word { height: 1; }
    """

    def __init__(self, titles: Sequence[str], hidden: frozenset[str]) -> None:
        """Offer columns.

        Args:
            titles: of all columns, from left to right.
            hidden: titles of those that are not shown now.
        """
        super().__init__()
        self._titles = titles
        self._hidden = hidden

    def compose(self) -> ComposeResult:
        """The list, what is wrong with the choice, two buttons."""
        shown = [i for i, title in enumerate(self._titles) if title not in self._hidden]
        with Vertical(classes="dialog"):
            yield Static("Columns that are shown", classes="dialog--title", markup=False)
            yield CheckList([Column("column")], [[title] for title in self._titles], shown)
            yield Static(id="choose-columns-word", classes="bad", markup=False)
            yield Static("space ticks  + all  - none", classes="dialog--hint", markup=False)
            with Horizontal(classes="dialog--buttons"):
                yield Button("Close (esc)", id="close", compact=True)
                yield Button("Show these (enter)", id="take", variant="primary", compact=True)

    def on_mount(self) -> None:
        """Start in the list."""
        self.query_one(CheckList).focus()

    @on(CheckList.Changed)
    def _other_choice(self) -> None:
        word = "" if self.query_one(CheckList).ticked else "✗ A table needs a column."
        self.query_one("#choose-columns-word", Static).update(word)

    @on(Button.Pressed, "#close")
    def _close(self) -> None:
        self.dismiss(None)

    @on(CheckList.RowSelected)
    @on(Button.Pressed, "#take")
    def action_take(self) -> None:
        """Give the columns to hide; not all of them."""
        ticked = self.query_one(CheckList).ticked
        if ticked:
            hidden = [title for i, title in enumerate(self._titles) if i not in ticked]
            self.dismiss(frozenset(hidden))
