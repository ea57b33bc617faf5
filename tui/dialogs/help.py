"""Help: the purpose of the screen and every key that works on it now."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static


class Help(ModalScreen[None]):
    """The keys of the screen below, one per line, with their actions."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q", "dismiss", "Close", id="dialog.close")
    ]

    def __init__(self, title: str, about: str, keys: list[tuple[str, str]]) -> None:
        """Show the help of a screen.

        Args:
            title: name of the screen.
            about: its purpose.
            keys: pairs of key and action.
        """
        super().__init__()
        self._title = title
        self._about = about
        self.keys = keys

    def compose(self) -> ComposeResult:
        """Title, purpose, keys; scrolls on a low terminal."""
        width = max((len(key) for key, _ in self.keys), default=0)
        lines = [
            Content.assemble((key.rjust(width), "bold $text-accent"), f"  {action}")
            for key, action in self.keys
        ]
        with VerticalScroll(classes="dialog -wide"):
            yield Static(f"{self._title}: keys", markup=False, classes="dialog--title")
            yield Static(self._about, markup=False, classes="dialog--about")
            yield Static(Content("\n").join(lines))
            yield Static("esc closes this.", markup=False, classes="dialog--hint")
