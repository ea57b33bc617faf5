"""Notifications that a job ended or stalled: when one is due, its text, its escape sequence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tui.domain.jobs.descriptions import job_name
from tui.domain.jobs.health import health_notes
from tui.domain.jobs.list_rows import job_fields
from tui.domain.jobs.status import status_text
from tui.domain.jobs.view import JobView
from tui.domain.text import preview

Desktop = Literal["off", "osc9", "osc777"]
"""The escape sequence that a terminal takes for a desktop notification, if any."""

BELL = "\a"
_MAX_SEQUENCE_TEXT = 160
_MAX_ERROR = 100


@dataclass(frozen=True, slots=True)
class JobNotification:
    """A notification about a job, for a person who is looking elsewhere.

    Attributes:
        event: `ended` or `stalled`.
        view: the job at that time.
        message: what happened, as a sentence that is safe to show.
    """

    event: Literal["ended", "stalled"]
    view: JobView
    message: str

    @property
    def key(self) -> str:
        """Distinguishes the notifications of one job; safe as a file name."""
        return "ended" if self.event == "ended" else f"stalled-{self.view.step}"

    def payload(self) -> dict[str, object]:
        """What a hook command reads on its standard input."""
        return {"event": self.event, "message": self.message, **job_fields(self.view)}


def due_notifications(before: JobView | None, view: JobView, now: float) -> list[JobNotification]:
    """The notifications due at an update of a job; see `end_notification`, `stall_notification`."""
    return [
        notification
        for notification in (end_notification(before, view), stall_notification(view, now))
        if notification
    ]


def end_notification(before: JobView | None, view: JobView) -> JobNotification | None:
    """The notification of a job that has just ended; None if it ended earlier or is active.

    Args:
        before: the job when it was last seen; None for never.
        view: the job now.
    """
    if before is None or before.terminal or not view.terminal:
        return None
    message = f"{job_name(view)} {preview(status_text(view.status), 40)}"
    if view.status == "failed" and view.error:
        message += f": {preview(view.error, _MAX_ERROR)}"
    return JobNotification("ended", view, message)


def stall_notification(view: JobView, now: float) -> JobNotification | None:
    """The notification of a running job that takes far longer for a step than before.

    Args:
        view: the job.
        now: when its server last answered, in Unix seconds by this machine's clock.
    """
    for note in health_notes(view, now):
        if note.kind == "stalled":
            return JobNotification("stalled", view, f"{job_name(view)}: {note.text}")
    return None


def desktop_sequence(message: str, desktop: Desktop, *, tmux: bool = False) -> str:
    """The escape sequence that makes a terminal show a desktop notification; empty for `off`.

    Args:
        message: foreign text in it is scrubbed here: a control character would end the sequence.
        desktop: OSC 9 (iTerm2, WezTerm, kitty, Ghostty, Windows Terminal) or OSC 777 (urxvt, foot,
            VTE).
        tmux: pass it through tmux, which needs `set -g allow-passthrough on`.
    """
    # A semicolon separates the parts of OSC 777.
    text = preview(message, _MAX_SEQUENCE_TEXT).replace(";", ",")
    match desktop:
        case "off":
            return ""
        case "osc9":
            # ConEmu and Windows Terminal read a number in the first place as a command.
            sequence = f"\x1b]9;ftui: {text}\a"
        case "osc777":
            sequence = f"\x1b]777;notify;ftui;{text}\a"
    if not tmux:
        return sequence
    return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
