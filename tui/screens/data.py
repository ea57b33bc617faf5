"""The screen Data."""

from __future__ import annotations

from pathlib import Path

from tui.domain.loop import Mode
from tui.screens.mode_screen import ModeScreen


class DataScreen(ModeScreen):
    """Step Data of the loop."""

    MODE = Mode.DATA
    CSS_PATH = "data.tcss"

    def open_file(self, path: Path) -> None:
        """Open a training file."""
