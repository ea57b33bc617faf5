"""The screen Decide."""

from __future__ import annotations

from tui.domain.loop import Mode
from tui.screens.mode_screen import ModeScreen


class DecideScreen(ModeScreen):
    """Step Decide of the loop."""

    MODE = Mode.DECIDE
    CSS_PATH = "decide.tcss"
