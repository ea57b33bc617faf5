"""A job in a list: a row of the screen and of `ftui jobs`, a sparkline, a JSON object."""

from __future__ import annotations

import math

from tui.domain.jobs.curves import Curve, mean
from tui.domain.jobs.descriptions import job_name, model_name, status_label
from tui.domain.jobs.status import percent, status_tone
from tui.domain.jobs.view import JobView
from tui.domain.text import ago, duration, loss, preview
from tui.domain.tone import Tone
from tui.domain.untyped import as_json

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
SPARKLINE_CELLS = 8
_SPARKLINE_VALUES = 200
"""Values at the end of a curve that a sparkline covers: it shows where the curve is going."""
_BLOCKS = "▁▂▃▄▅▆▇█"
_FLAT = 0.01
"""Relative change below which a curve is flat."""


def row_cells(
    view: JobView, now: float, *, ascii_only: bool = False
) -> list[str | tuple[str, Tone]]:
    """The cells of a job's row, in the order of `ROW_TITLES`.

    Args:
        view: the job.
        now: Unix seconds.
        ascii_only: show the trend without block glyphs.
    """
    left = view.time_left(now)
    return [
        (status_label(view), status_tone(view.status)),
        job_name(view),
        model_name(view),
        percent(view.progress) or "–",
        duration(left) if left is not None else "–",
        loss(view.train_loss),
        sparkline(view.train, ascii_only=ascii_only) or "–",
        loss(view.valid_loss),
        preview(view.provider, 40),
        format_age(view, now),
    ]


def format_age(view: JobView, now: float) -> str:
    """How long ago the job was created: `now`, `3 min`, `2 d`."""
    if view.created_at is None:
        return "–"
    age = now + view.clock_ahead - view.created_at
    return "now" if age < 60 else ago(age).removesuffix(" ago")


def sparkline(curve: Curve, *, ascii_only: bool = False) -> str:
    """The trend of the last values: `█▆▅▃▂▂▁▁`, or in ASCII `down`, `up` or `flat`.

    Args:
        curve: of any length; only its last 200 values count.
        ascii_only: whether the terminal shows no block glyphs.

    Returns:
        At most `SPARKLINE_CELLS` cells; empty for fewer than two finite values.
    """
    values = curve.tail(_SPARKLINE_VALUES)
    count = min(SPARKLINE_CELLS, len(values))
    bounds = [len(values) * index // max(1, count) for index in range(count + 1)]
    means = [mean(values[bounds[index] : bounds[index + 1]]) for index in range(count)]
    levels = [level for level in means if level is not None and math.isfinite(level)]
    if len(levels) < 2:
        return ""
    low, high = min(levels), max(levels)
    flat = high - low <= _FLAT * max(abs(low), abs(high))
    if ascii_only:
        return "flat" if flat else "down" if levels[-1] < levels[0] else "up"
    if flat:
        return _BLOCKS[2] * len(levels)
    top = len(_BLOCKS) - 1
    # Halves, because the difference of the largest floats overflows.
    span = high / 2 - low / 2
    return "".join(_BLOCKS[round((level / 2 - low / 2) / span * top)] for level in levels)


def job_fields(view: JobView) -> dict[str, object]:
    """A job as JSON: for `ftui jobs --json` and for hook commands.

    Non-finite figures are text, unknown ones None.
    """
    best = view.best
    fields = {
        "job": view.id,
        "provider": view.provider,
        "status": view.status,
        "model": view.model,
        "fine_tuned_model": view.fine_tuned_model,
        "suffix": view.suffix,
        "created_at": view.created_at,
        "finished_at": view.finished_at,
        "step": view.step,
        "total_steps": view.total_steps,
        "train_loss": view.train_loss,
        "valid_loss": view.valid_loss,
        "best_valid_loss": best.value if best else None,
        "error": view.error,
    }
    return {name: as_json(value) for name, value in fields.items()}
