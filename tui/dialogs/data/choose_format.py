"""Choose what the rows of a file are read as, where that was not told from them rightly."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.domain.conversion.convert import explain_format
from tui.domain.rows.formats import Format
from tui.widgets.line_table import Cell, Column, LineTable

_COLUMNS = [Column("format", 18), Column("what it is")]
_FORMATS = [kind for kind in Format if kind.trainable or kind.convertible]


class ChooseFormat(ModalScreen[Format | None]):
    """The formats that can be used, the present one under the cursor; gives one, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close", id="dialog.close")
    ]
    DEFAULT_CSS = """
    ChooseFormat LineTable { height: auto; max-height: 14; }
    """

    def __init__(self, now: Format) -> None:
        """Offer formats; `now` is the one that the file is read as."""
        super().__init__()
        self._now = now

    def compose(self) -> ComposeResult:
        """The list."""
        with Vertical(classes="dialog -wide"):
            yield Static("Read the rows as", classes="dialog--title", markup=False)
            yield LineTable(_COLUMNS, self._cells)
            yield Static("enter reads the file so  esc closes", classes="dialog--hint")

    def on_mount(self) -> None:
        """Start at the present one."""
        table = self.query_one(LineTable)
        table.set_row_count(len(_FORMATS))
        table.cursor = _FORMATS.index(self._now) if self._now in _FORMATS else 0
        table.focus()

    def _cells(self, row: int) -> list[Cell]:
        kind = _FORMATS[row]
        return [kind.value, explain_format(kind)]

    @on(LineTable.RowSelected)
    def _choose(self, message: LineTable.RowSelected) -> None:
        self.dismiss(_FORMATS[message.row])
