"""What a file holds, in figures: roles, turns, tokens, lengths, system prompts, labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.domain.text import scrub

if TYPE_CHECKING:
    from tui.domain.statistics import Statistics


class RowStatistics(ModalScreen[None]):
    """The statistics of a file; scrolls, and esc closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,s,q", "dismiss", "Close")]

    def __init__(self, statistics: Statistics, title: str) -> None:
        """Show statistics.

        Args:
            statistics: what was counted.
            title: of what, as the file's name.
        """
        super().__init__()
        self._statistics = statistics
        self._title = title

    def compose(self) -> ComposeResult:
        """The title, the figures, the keys."""
        with Vertical(classes="dialog -large"):
            yield Static(scrub(self._title), classes="dialog--title", markup=False)
            yield Static("esc closes", classes="dialog--hint", markup=False)
