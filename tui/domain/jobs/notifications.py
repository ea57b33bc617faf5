"""What is told to a person who looks elsewhere: that a job ended or stalled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tui.domain.jobs.descriptions import name_of
from tui.domain.jobs.health import health_notes, stalled
from tui.domain.jobs.job_json import job_fields
from tui.domain.jobs.status import status_word
from tui.domain.jobs.view import JobView
from tui.domain.text import preview

_ERROR = 100
"""Characters of a job's error that are told."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about a job that a person wants to hear of who looks elsewhere.

    Attributes:
        event: `ended` or `stalled`.
        view: the job as it stood then.
        words: what happened, as a sentence that is safe to show.
    """

    event: Literal["ended", "stalled"]
    view: JobView
    words: str

    @property
    def mark(self) -> str:
        """What tells this notice from others of the same job; safe as a file's name."""
        return "ended" if self.event == "ended" else f"stalled-{self.view.step}"

    def payload(self) -> dict[str, object]:
        """What a command hook reads on its standard input."""
        return {"event": self.event, "message": self.words, **job_fields(self.view)}


def end_notice(before: JobView | None, view: JobView) -> Notice | None:
    """The notice of a job that was seen to end just now; None where it ended earlier, or not yet.

    Args:
        before: the job as it stood when it was last seen; None where it never was.
        view: as it stands now.
    """
    if before is None or before.terminal or not view.terminal:
        return None
    words = f"{name_of(view)} {preview(status_word(view.status), 40)}"
    if view.status == "failed" and view.error:
        words += f": {preview(view.error, _ERROR)}"
    return Notice("ended", view, words)


def stall_notice(view: JobView, now: float) -> Notice | None:
    """The notice of a job that trains and has not moved for far longer than its steps take.

    Args:
        view: the job.
        now: when its server last answered, in Unix seconds by this machine's clock.
    """
    if stalled(view, now) is None:
        return None
    words = next(note.words for note in health_notes(view, now) if note.kind == "stalled")
    return Notice("stalled", view, f"{name_of(view)}: {words}")
