"""The states of a job: their glyphs, names and tones, and the state of the step Jobs."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tui.domain.jobs.view import JobView
from tui.domain.loop import NO_JOBS, StepState
from tui.domain.tone import Tone

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
    """The one-cell glyph of a status; `?` for an unknown status."""
    return _LOOKS.get(status, ("?", Tone.NONE))[0]


def status_tone(status: str) -> Tone:
    """The tone of a status."""
    return _LOOKS.get(status, ("?", Tone.NONE))[1]


def status_text(status: str) -> str:
    """The name of a status: `validating files`; an unknown status is shown as reported."""
    return status.replace("_", " ")


def percent(progress: float | None) -> str:
    """A share as `62%`, rounded down so that it is never 100% early; empty if unknown."""
    if progress is None:
        return ""
    return f"{math.floor(progress * 100 + 1e-9)}%"


def loop_step(views: Sequence[JobView]) -> StepState:
    """The state of the step Jobs: a running job, else an active one, else the latest one.

    Args:
        views: the jobs, latest first.
    """
    if not views:
        return NO_JOBS
    active = [view for view in views if not view.terminal]
    running = [view for view in active if view.status == "running"]
    view = (running or active or views)[0]
    share = percent(view.progress) if view.status == "running" else ""
    label = status_text(view.status)
    return StepState(
        status_tone(view.status),
        f"{label} {share}".strip(),
        share or _BRIEF.get(view.status, label),
    )
