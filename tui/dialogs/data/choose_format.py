"""Choose how a file is read: the format of its rows, or the encoding of its text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.domain.conversion.convert import explain_format
from tui.domain.rows.encodings import COMMON, UTF8, encoding_label
from tui.domain.rows.formats import Format
from tui.widgets.line_table import Cell, Column, LineTable

_COLUMNS = [Column("format or encoding", 18), Column("description")]
_FORMATS = [kind for kind in Format if kind.trainable or kind.convertible]


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is read.

    Attributes:
        kind: the format of its rows; None to detect it.
        encoding: codec of its text; None for UTF-8, or the one it shows.
    """

    kind: Format | None
    encoding: str | None = None


class ChooseFormat(ModalScreen[Reading | None]):
    """The usable formats, the current one under the cursor; returns a choice, or None.

    If the file is not UTF-8, encodings are listed too: first, and under the cursor, the likely
    ones.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close", id="dialog.close")
    ]
    DEFAULT_CSS = """
    ChooseFormat LineTable { height: auto; max-height: 14; }
    """

    def __init__(self, current: Reading, likely: Sequence[str] | None = None) -> None:
        """Create the dialog.

        Args:
            current: how the file is read now.
            likely: the encodings that it may be in, best first; None where it can be read.
        """
        super().__init__()
        self._likely = likely or ()
        self._choices = [Reading(None, codec) for codec in self._likely]
        self._choices += [Reading(kind, current.encoding) for kind in _FORMATS]
        if likely is not None or current.encoding:
            others = (UTF8, *COMMON) if current.encoding else COMMON
            known = {*self._likely, current.encoding}
            self._choices += [Reading(None, codec) for codec in others if codec not in known]
        usable = not self._likely and current in self._choices
        self._start = self._choices.index(current) if usable else 0

    def compose(self) -> ComposeResult:
        """The list."""
        with Vertical(classes="dialog -wide"):
            yield Static("Read the rows as", classes="dialog--title", markup=False)
            yield LineTable(_COLUMNS, self._cells)
            yield Static("enter applies  esc closes", classes="dialog--hint")

    def on_mount(self) -> None:
        """Focus the likely encoding or the current format."""
        table = self.query_one(LineTable)
        table.set_row_count(len(self._choices))
        table.cursor = self._start
        table.focus()

    def _cells(self, row: int) -> list[Cell]:
        choice = self._choices[row]
        if choice.kind:
            return [choice.kind.value, explain_format(choice.kind)]
        assert choice.encoding
        likely = choice.encoding in self._likely
        text = "The file is not UTF-8; it reads as this." if likely else "The encoding of the text."
        return [encoding_label(choice.encoding), text]

    @on(LineTable.RowSelected)
    def _choose(self, message: LineTable.RowSelected) -> None:
        self.dismiss(self._choices[message.row])
