"""Show a text in full that did not fit on its line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from tui.dialogs.dialog import Dialog
from tui.domain.text import scrub
from tui.widgets.line_pane import LinePane


class TextLines(LinePane):
    """A text, wrapped at words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = scrub(text, lines=True)

    def lay_out(self, width: int) -> Sequence[Content]:
        """The wrapped lines."""
        return [
            line
            for text in self._text.split("\n")
            for line in (Content(text).wrap(width) if text else [Content("")])
        ]


class ReadText(Dialog[None]):
    """A title and a text that scrolls."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss(None)", "Close", key_display="esc", id="dialog.close")
    ]
    DEFAULT_CSS = """
    ReadText .dialog { height: 60%; }
    ReadText LinePane { height: 1fr; }
    """

    def __init__(self, title: str, text: str) -> None:
        """Show a text.

        Args:
            title: what it is.
            text: is scrubbed here.
        """
        super().__init__()
        self._title = title
        self._text = text

    def compose(self) -> ComposeResult:
        """Title, text, keys."""
        with Vertical(classes="dialog -wide"):
            yield Static(Content(scrub(self._title)), classes="dialog--title")
            yield TextLines(self._text)
            yield Static("↑↓ scrolls  esc closes", classes="dialog--hint", markup=False)
