"""The screen Evaluate."""

from __future__ import annotations

from tui.domain.loop import Mode
from tui.screens.mode_screen import ModeScreen


class EvaluateScreen(ModeScreen):
    """Step Evaluate of the loop."""

    MODE = Mode.EVALUATE
    CSS_PATH = "evaluate.tcss"

    def offer_comparison(self, provider: str, base: str, tuned: str) -> None:
        """Offer to compare two models."""
