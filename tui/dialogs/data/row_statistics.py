"""The statistics of a file: roles, turns, tokens, lengths, system prompts, labels."""

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
    """The statistics of a file; scrolls."""

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
        """Create the dialog.

        Args:
            statistics: of the file.
            title: the file's name.
            remarks: sentences above the figures.
            blocks: draw bars with box characters; otherwise in plain ASCII. None follows the
                encoding of the terminal.
        """
        super().__init__()
        self._statistics = statistics
        self._title = title
        self._remarks = [(scrub(text), tone) for text, tone in remarks]
        self._blocks = _is_utf8() if blocks is None else blocks

    def compose(self) -> ComposeResult:
        """Title, statistics, keys."""
        with Vertical(classes="dialog -large"):
            title = f"Statistics of {preview(self._title, 60)}"
            yield Static(title, classes="dialog--title", markup=False)
            yield StatisticsView(self._statistics, self._remarks, blocks=self._blocks)
            yield Static(
                "↑↓ pgup pgdn g G scroll  esc closes", classes="dialog--hint", markup=False
            )

    def on_mount(self) -> None:
        """Focus the statistics."""
        self.query_one(StatisticsView).focus()


def _is_utf8() -> bool:
    return "utf" in (getattr(sys.__stdout__, "encoding", None) or "").lower()
