"""What a file holds, in figures: roles, turns, tokens, lengths, system prompts, labels."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from tui.dialogs.dialog import Dialog
from tui.domain.rows.row_statistics import Statistics
from tui.domain.text import preview, scrub
from tui.widgets.data.statistics_view import Remark, StatisticsView


class RowStatistics(Dialog[None]):
    """The statistics of a file; scrolls, and esc closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,s,q", "dismiss", "Close", id="dialog.close")
    ]

    def __init__(
        self,
        statistics: Statistics,
        title: str,
        remarks: Sequence[Remark] = (),
        *,
        blocks: bool | None = None,
    ) -> None:
        """Show statistics.

        Args:
            statistics: what was counted.
            title: of what, as the file's name.
            remarks: what is to be said above the figures.
            blocks: draw bars with box characters; otherwise in plain ASCII. None: as the
                terminal's encoding allows.
        """
        super().__init__()
        self._statistics = statistics
        self._title = title
        self._remarks = [(scrub(words), tone) for words, tone in remarks]
        self._blocks = _is_utf8() if blocks is None else blocks

    def compose(self) -> ComposeResult:
        """The title, the figures, the keys."""
        with Vertical(classes="dialog -large"):
            title = f"Statistics of {preview(self._title, 60)}"
            yield Static(title, classes="dialog--title", markup=False)
            yield StatisticsView(self._statistics, self._remarks, blocks=self._blocks)
            yield Static(
                "↑↓ pgup pgdn g G scroll  esc closes", classes="dialog--hint", markup=False
            )

    def on_mount(self) -> None:
        """Scroll by keys at once."""
        self.query_one(StatisticsView).focus()


def _is_utf8() -> bool:
    return "utf" in (getattr(sys.__stdout__, "encoding", None) or "").lower()
