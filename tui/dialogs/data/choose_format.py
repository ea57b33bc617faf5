"""Choose the format of the rows of a file, if it was not detected correctly."""

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

_COLUMNS = [Column("format", 18), Column("description")]
_FORMATS = [kind for kind in Format if kind.trainable or kind.convertible]


class ChooseFormat(ModalScreen[Format | None]):
    """The usable formats, the current one under the cursor; returns one, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close", id="dialog.close")
    ]
    DEFAULT_CSS = """
    ChooseFormat LineTable { height: auto; max-height: 14; }
    """

    def __init__(self, current: Format) -> None:
        """Create the dialog; `current` is the format in use."""
        super().__init__()
        self._current = current

    def compose(self) -> ComposeResult:
        """The list."""
        with Vertical(classes="dialog -wide"):
            yield Static("Read the rows as", classes="dialog--title", markup=False)
            yield LineTable(_COLUMNS, self._cells)
            yield Static("enter applies  esc closes", classes="dialog--hint")

    def on_mount(self) -> None:
        """Focus the current format."""
        table = self.query_one(LineTable)
        table.set_row_count(len(_FORMATS))
        table.cursor = _FORMATS.index(self._current) if self._current in _FORMATS else 0
        table.focus()

    def _cells(self, row: int) -> list[Cell]:
        kind = _FORMATS[row]
        return [kind.value, explain_format(kind)]

    @on(LineTable.RowSelected)
    def _choose(self, message: LineTable.RowSelected) -> None:
        self.dismiss(_FORMATS[message.row])
