"""A job as one row of a list: on the screen and as `ftui jobs` prints it."""

from __future__ import annotations

from tui.domain.jobs.descriptions import model_of, name_of, state_of
from tui.domain.jobs.sparkline import trend
from tui.domain.jobs.status import percent, status_tone
from tui.domain.jobs.view import JobView
from tui.domain.loop import Tone
from tui.domain.text import ago, duration, loss, preview

ROW_TITLES = (
    "state",
    "name",
    "base model",
    "done",
    "ETA",
    "loss",
    "trend",
    "valid",
    "provider",
    "age",
)


def row_cells(
    view: JobView, now: float, *, ascii_only: bool = False
) -> list[str | tuple[str, Tone]]:
    """The cells of a job's row, in the order of `ROW_TITLES`.

    Args:
        view: the job.
        now: Unix seconds.
        ascii_only: whether the trend is told without block glyphs.
    """
    left = view.time_left(now)
    return [
        (state_of(view), status_tone(view.status)),
        name_of(view),
        model_of(view),
        percent(view.progress) or "–",
        duration(left) if left is not None else "–",
        loss(view.train_loss),
        trend(view.train, ascii_only=ascii_only) or "–",
        loss(view.valid_loss),
        preview(view.provider, 40),
        age_of(view, now),
    ]


def age_of(view: JobView, now: float) -> str:
    """How long ago the job was made: `now`, `3 min`, `2 d`."""
    if view.created_at is None:
        return "–"
    age = now + view.clock_ahead - view.created_at
    return "now" if age < 60 else ago(age).removesuffix(" ago")
