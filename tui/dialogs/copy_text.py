"""Copy a part of a row to the terminal's clipboard, within the limit of OSC 52."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Static

from tui.dialogs.dialog import Dialog
from tui.domain.text import number, preview
from tui.domain.tone import Tone
from tui.widgets.line_table import Cell, Column, LineTable

MAX_SEQUENCE = 100_000
"""Bytes of an OSC 52 sequence that common terminals accept; they silently drop longer ones."""

_COLUMNS = [Column("part", 18), Column("size", 11, right=True), Column("text")]


class CopyText(Dialog[str | None]):
    """The parts of a row that can be copied; returns the chosen text, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close", id="dialog.close")
    ]
    DEFAULT_CSS = """
    CopyText LineTable { height: auto; max-height: 10; }
    CopyText #copy-text-message { height: 2; margin-top: 1; }
    """

    def __init__(self, choices: Sequence[tuple[str, str]]) -> None:
        """Offer texts.

        Args:
            choices: pairs of label and text as in the data.
        """
        super().__init__()
        self._choices = choices
        self._sizes = [len(text.encode("utf-8", "replace")) for _, text in choices]

    def compose(self) -> ComposeResult:
        """The list, a message about the part under the cursor, two buttons."""
        with Vertical(classes="dialog -wide"):
            yield Static("Copy to the clipboard", classes="dialog--title", markup=False)
            yield LineTable(_COLUMNS, self._cells)
            yield Static(id="copy-text-message", markup=False)
            yield Static(
                "The terminal sets the clipboard (OSC 52).\n"
                "Inside tmux this needs `set -g set-clipboard on`.",
                classes="dialog--hint",
                markup=False,
            )
            with Horizontal(classes="dialog--buttons"):
                yield Button("Close (esc)", id="close", compact=True)
                yield Button("Copy (enter)", id="copy", variant="primary", compact=True)

    def on_mount(self) -> None:
        """Focus the list."""
        table = self.query_one(LineTable)
        table.set_row_count(len(self._choices))
        table.focus()

    def _cells(self, row: int) -> Sequence[Cell]:
        label, text = self._choices[row]
        size = f"{number(self._sizes[row])} B"
        return [label, (size, Tone.BAD) if _too_large(self._sizes[row]) else size, preview(text)]

    @on(LineTable.RowHighlighted)
    def _show_size(self) -> None:
        size = self._sizes[self.query_one(LineTable).cursor]
        refused = _too_large(size)
        label = self.query_one("#copy-text-message", Static)
        label.set_classes("bad" if refused else "muted")
        label.update(Content(_refusal(size) if refused else f"{number(size)} bytes."))

    @on(Button.Pressed, "#close")
    def _close(self) -> None:
        self.dismiss(None)

    @on(LineTable.RowSelected)
    @on(Button.Pressed, "#copy")
    def _copy(self) -> None:
        row = self.query_one(LineTable).cursor
        if not _too_large(self._sizes[row]):
            self.dismiss(self._choices[row][1])


def _encoded_size(size: int) -> int:
    """Bytes of a text in base64, as OSC 52 sends it."""
    return math.ceil(size / 3) * 4


def _too_large(size: int) -> bool:
    return _encoded_size(size) > MAX_SEQUENCE


def _refusal(size: int) -> str:
    return (
        f"✗ {number(size)} bytes are too many: terminals accept {number(MAX_SEQUENCE * 3 // 4)} "
        "at most and silently drop longer texts. Open the row in the editor instead (e)."
    )


def describe_copy(text: str, *, in_tmux: bool) -> str:
    """How much was copied, and what tmux needs for it."""
    tmux = " tmux passes it on with `set -g set-clipboard on`." if in_tmux else ""
    return f"{number(len(text))} characters sent to the terminal's clipboard.{tmux}"
