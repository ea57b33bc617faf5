"""Copy a part of a row to the clipboard of the terminal, where it is small enough for that."""

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
from tui.domain.loop import Tone
from tui.domain.text import number, preview
from tui.widgets.line_table import Cell, Column, LineTable

LARGEST = 100_000
"""Bytes of one OSC 52 sequence that common terminals take; they drop a longer one silently."""

_COLUMNS = [Column("part", 18), Column("size", 11, right=True), Column("text")]


class CopyText(Dialog[str | None]):
    """What of a row can be copied; gives the text that shall be, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close", id="dialog.close")
    ]
    DEFAULT_CSS = """
    CopyText LineTable { height: auto; max-height: 10; }
    CopyText #copy-text-word { height: 2; margin-top: 1; }
    """

    def __init__(self, choices: Sequence[tuple[str, str]]) -> None:
        """Offer texts.

        Args:
            choices: pairs of what it is and the text itself, as it stands in the data.
        """
        super().__init__()
        self._choices = choices
        self._sizes = [len(text.encode("utf-8", "replace")) for _, text in choices]

    def compose(self) -> ComposeResult:
        """The list, a word about the one under the cursor, two buttons."""
        with Vertical(classes="dialog -wide"):
            yield Static("Copy to the clipboard", classes="dialog--title", markup=False)
            yield LineTable(_COLUMNS, self._cells)
            yield Static(id="copy-text-word", markup=False)
            yield Static(
                "The terminal puts it into its clipboard (OSC 52). Inside tmux that needs "
                "`set -g set-clipboard on`.",
                classes="dialog--hint",
                markup=False,
            )
            with Horizontal(classes="dialog--buttons"):
                yield Button("Close (esc)", id="close", compact=True)
                yield Button("Copy (enter)", id="copy", variant="primary", compact=True)

    def on_mount(self) -> None:
        """Start in the list."""
        table = self.query_one(LineTable)
        table.set_row_count(len(self._choices))
        table.focus()

    def _cells(self, row: int) -> Sequence[Cell]:
        label, text = self._choices[row]
        size = f"{number(self._sizes[row])} B"
        return [label, (size, Tone.BAD) if _too_large(self._sizes[row]) else size, preview(text)]

    @on(LineTable.RowHighlighted)
    def _tell(self) -> None:
        size = self._sizes[self.query_one(LineTable).cursor]
        bad = _too_large(size)
        word = self.query_one("#copy-text-word", Static)
        word.set_classes("bad" if bad else "muted")
        word.update(Content(_refusal(size) if bad else f"{number(size)} bytes."))

    @on(Button.Pressed, "#close")
    def _close(self) -> None:
        self.dismiss(None)

    @on(LineTable.RowSelected)
    @on(Button.Pressed, "#copy")
    def _copy(self) -> None:
        row = self.query_one(LineTable).cursor
        if not _too_large(self._sizes[row]):
            self.dismiss(self._choices[row][1])


def _sent(size: int) -> int:
    """Bytes of a text as OSC 52 carries it, in base64."""
    return math.ceil(size / 3) * 4


def _too_large(size: int) -> bool:
    return _sent(size) > LARGEST


def _refusal(size: int) -> str:
    return (
        f"✗ {number(size)} bytes are too many: terminals take {number(LARGEST * 3 // 4)} at the "
        "most and drop the rest without a word. Open the row in the editor instead (e)."
    )


def describe_copy(text: str, *, in_tmux: bool) -> str:
    """What was copied, and what a terminal multiplexer needs for it."""
    tmux = " tmux passes it on with `set -g set-clipboard on`." if in_tmux else ""
    return f"{number(len(text))} characters sent to the terminal's clipboard.{tmux}"
