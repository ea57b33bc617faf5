"""The states of a job: their glyphs, words and tones, and how the step Jobs stands."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tui.domain.jobs.view import JobView
from tui.domain.loop import NO_JOBS, StepState, Tone

_LOOKS: dict[str, tuple[str, Tone]] = {
    "validating_files": ("…", Tone.BUSY),
    "queued": ("…", Tone.BUSY),
    "running": ("▶", Tone.BUSY),
    "pausing": ("…", Tone.BUSY),
    "paused": ("‖", Tone.WARNED),
    "succeeded": ("✓", Tone.GOOD),
    "failed": ("✗", Tone.BAD),
    "cancelled": ("■", Tone.WARNED),
}
_BRIEF = {
    "validating_files": "checking",
    "running": "running",
    "succeeded": "done",
    "cancelled": "stopped",
}


def status_glyph(status: str) -> str:
    """One cell for a status; one that is not known gets a question mark."""
    return _LOOKS.get(status, ("?", Tone.NONE))[0]


def status_tone(status: str) -> Tone:
    """What a status means."""
    return _LOOKS.get(status, ("?", Tone.NONE))[1]


def status_text(status: str) -> str:
    """A status in words: `validating files`; one that is not known as it came."""
    return status.replace("_", " ")


def percent(progress: float | None) -> str:
    """A share as `62%`; empty where it is unknown. Never 100% before the end."""
    if progress is None:
        return ""
    return f"{math.floor(progress * 100 + 1e-9)}%"


def loop_step(views: Sequence[JobView]) -> StepState:
    """How the step Jobs stands: what trains, else what waits, else how the latest job ended.

    Args:
        views: the jobs, latest first.
    """
    if not views:
        return NO_JOBS
    going = [view for view in views if not view.terminal]
    running = [view for view in going if view.status == "running"]
    view = (running or going or views)[0]
    share = percent(view.progress) if view.status == "running" else ""
    word = status_text(view.status)
    return StepState(
        status_tone(view.status), f"{word} {share}".strip(), share or _BRIEF.get(view.status, word)
    )
