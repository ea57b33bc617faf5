"""The lines and cells with which screens and commands describe a job."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import PurePath

from tui.domain.jobs.status import percent, status_glyph, status_text
from tui.domain.jobs.view import JobView
from tui.domain.submission.prices import Price, format_dollars
from tui.domain.text import ago, duration, loss, number, preview

_AGE_STEP = 10
"""Seconds by which displayed ages advance: redrawing each second is expensive on a slow link."""
_WAIT_STEP = 5
_QUIET_STEP = 30
_NARROW = 0.05
"""Share of the time left below which its range is not worth showing."""


def job_name(view: JobView) -> str:
    """The job's display name: its suffix, or its id."""
    return preview(view.suffix or view.id, 60)


def model_name(view: JobView) -> str:
    """The base model's name; for a folder only the last part of its path."""
    model = view.model or "model unknown"
    return preview(PurePath(model).name if model.startswith("/") else model, 60)


def status_label(view: JobView) -> str:
    """Glyph and name of the status."""
    return f"{status_glyph(view.status)} {preview(status_text(view.status), 40)}"


def shown_time(news_at: float | None, now: float, quiet: int = _QUIET_STEP) -> float:
    """The time for which figures are shown: that of the last news, then in coarse steps.

    Args:
        news_at: when something new was last seen; None for never.
        now: Unix seconds.
        quiet: length of a step in seconds.
    """
    coarse = now // quiet * quiet
    return max(news_at, coarse) if news_at is not None else coarse


def title_line(view: JobView) -> str:
    """Status, name, model and provider: `▶ running  tickets · SmolLM2-135M-Instruct · local`."""
    parts = [job_name(view), model_name(view), preview(view.provider, 40)]
    line = f"{status_label(view)}  {' · '.join(parts)}"
    if view.error and view.status != "succeeded":
        return f"{line}: {preview(view.error, 300)}"
    if view.fine_tuned_model:
        return f"{line} → {preview(view.fine_tuned_model, 100)}"
    return line


def progress_line(view: JobView, now: float, *, ranged: bool = False) -> str:
    """The progress: `step 56/90  62%  epoch 1.9  ETA 0:43  elapsed 1:14`.

    Args:
        view: the job.
        now: Unix seconds.
        ranged: include the range of the time left: `ETA 0:43 (0:38 to 0:51)`.
    """
    parts = []
    if view.step or view.total_steps:
        parts.append(f"step {number(view.step)}{_of_total(view)}")
    if view.progress is not None:
        parts.append(percent(view.progress))
    if view.epoch is not None:
        parts.append(f"epoch {view.epoch:.1f}")
    if (left := view.time_left(now)) is not None:
        parts.append(format_eta(view, now) if ranged else f"ETA {duration(left)}")
    if (elapsed := view.elapsed(now)) is not None:
        parts.append(f"elapsed {duration(elapsed)}")
    return "  ".join(parts) or "no step yet"


def figures_line(
    view: JobView, prices: Mapping[str, Price] | None = None, *, brief: bool = False
) -> str:
    """The latest figures: `loss 0.084 ↓  valid 0.131  best 0.131 at 50  1.3 s/step  92 tok/s`.

    Args:
        view: the job.
        prices: of training, by model; with them the line includes the cost so far where known.
        brief: leave out what is shown elsewhere: the best validation loss and the pace.
    """
    parts = []
    if view.train:
        parts.append(f"loss {loss(view.train_loss)}{_trend(view.train.tail(20))}")
    if view.valid:
        parts.append(f"valid {loss(view.valid_loss)}")
    if view.best and not brief:
        parts.append(f"best {loss(view.best.value)} at {view.best.step}")
    if view.seconds_per_step and not view.terminal and not brief:
        parts.append(pace(view.seconds_per_step))
    if view.tokens_per_second and not view.terminal:
        parts.append(f"{number(view.tokens_per_second)} tok/s")
    if view.trained_tokens:
        parts.append(f"{number(view.trained_tokens)} tokens")
    if prices is not None and (cost := view.cost(prices)) is not None:
        parts.append(f"{format_dollars(cost)} so far" if cost else "free")
    return "  ".join(parts) or "no loss yet"


def live_line(view: JobView, contact: str, now: float) -> str:
    """A job in one line, the most important first, as a terminal may be too narrow for all.

    `▶ running 62%  step 56/90  ETA 0:34 (0:30 to 0:45)  loss 0.084 ↓  valid 0.131  updated now`

    Args:
        view: the job.
        contact: from `describe_connection`; it comes before the figures where the server is
            offline.
        now: Unix seconds.
    """
    offline = contact.startswith("offline")
    parts = [f"{status_label(view)} {percent(view.progress)}".rstrip()]
    parts += [contact] if offline else []
    if view.step or view.total_steps:
        parts.append(f"step {number(view.step)}" + _of_total(view))
    parts += [format_eta(view, now)] if not offline else []
    parts += [figures_line(view)] if view.train or view.valid else []
    parts += [] if offline else [contact]
    return "  ".join(part for part in parts if part)


def format_eta(view: JobView, now: float) -> str:
    """`ETA 0:34 (0:30 to 0:45)`, without the range if it is narrow; empty if unknown."""
    left, spread = view.time_left(now), view.time_left_range(now)
    if left is None or spread is None:
        return ""
    eta = f"ETA {duration(left)}"
    if spread[1] - spread[0] <= _NARROW * left:
        return eta
    return f"{eta} ({duration(spread[0])} to {duration(spread[1])})"


def _of_total(view: JobView) -> str:
    return f"/{number(view.total_steps)}" if view.total_steps else ""


def pace(seconds: float) -> str:
    """`1.3 s/step`, or `4.2 steps/s` if a step takes less than a second."""
    return f"{seconds:.1f} s/step" if seconds >= 1 else f"{1 / seconds:.1f} steps/s"


def _trend(values: Sequence[float]) -> str:
    """An arrow: the mean of the last ten values against the ten before; empty below twenty."""
    if len(values) < 20:
        return ""
    last, before = sum(values[-10:]), sum(values[-20:-10])
    if not (math.isfinite(last) and math.isfinite(before)) or math.isclose(last, before):
        return ""
    return " ↓" if last < before else " ↑"


def clock_time(at: float) -> str:
    """The local time of day, `14:02:11`; with the date if it is not today."""
    try:
        then, today = time.localtime(at), time.localtime()
    except (OverflowError, ValueError, OSError):
        return "?"
    is_today = then[:3] == today[:3]
    return time.strftime("%H:%M:%S" if is_today else "%Y-%m-%d %H:%M", then)


def describe_connection(
    now: float,
    *,
    updated_at: float | None,
    offline_since: float | None = None,
    next_retry_at: float | None = None,
) -> str:
    """How recent the data is: `updated 5 s ago`, or `offline since 14:02, retrying in 20 s`.

    Args:
        now: Unix seconds, as are the other times.
        updated_at: when the server last answered.
        offline_since: since when it has not answered.
        next_retry_at: when the next request is due.
    """
    if offline_since is not None:
        wait = math.ceil(max(0.0, (next_retry_at or now) - now) / _WAIT_STEP) * _WAIT_STEP
        since = clock_time(offline_since)[:-3]
        return f"offline since {since}, retrying in {wait} s" if wait else f"offline since {since}"
    if updated_at is None:
        return "last recorded state"
    age = (now - updated_at) // _AGE_STEP * _AGE_STEP
    return f"updated {ago(age)}"
