"""The screen Jobs."""

from __future__ import annotations

from pathlib import Path

from tui.domain.loop import Mode
from tui.screens.mode_screen import ModeScreen


class JobsScreen(ModeScreen):
    """Step Jobs of the loop."""

    MODE = Mode.JOBS
    CSS_PATH = "jobs.tcss"

    def offer_job(self, path: Path | None) -> None:
        """Offer a new job."""
