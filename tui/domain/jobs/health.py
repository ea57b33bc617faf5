"""Health notes: problems that a run's curves show, each with the rule behind it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tui.domain.jobs.curves import Curve, mean
from tui.domain.jobs.view import JobView
from tui.domain.text import loss, number
from tui.domain.tone import Tone

HealthKind = Literal["diverged", "stalled", "overfitting", "gap", "flat"]

_RISES = 3
"""Consecutive validations above the lowest one that count as overfitting."""
_RISE = 1.02
_GAP = 1.5
_SMOOTH = 20
_FLAT_SHARE = 5
_FLAT_FROM = 50
_FLAT = 0.99


@dataclass(frozen=True, slots=True)
class HealthNote:
    """A problem, or something to note.

    Attributes:
        kind: a run has at most one note of each kind.
        tone: the severity.
        text: the observation.
        rule: the condition that it meets.
    """

    kind: HealthKind
    tone: Tone
    text: str
    rule: str


def health_notes(view: JobView, now: float) -> tuple[HealthNote, ...]:
    """The health notes of a run, the most severe first; empty for a healthy run.

    Args:
        view: the run.
        now: when its server last answered, in Unix seconds by this machine's clock; later
            events are unknown.
    """
    notes = (_diverged(view), _stalled(view, now), _overfitting(view), _gap(view), _flat(view))
    return tuple(note for note in notes if note)


def stalled(view: JobView, now: float) -> float | None:
    """Seconds since the last step of a stalled run; None if it is not stalled.

    A run is stalled if it is running without a step for longer than its `patience`; before the
    first step the duration of one is unknown.

    Args:
        view: the run.
        now: as for `health_notes`.
    """
    if view.status != "running" or view.last_step_at is None or not view.step:
        return None
    since = now + view.clock_ahead - view.last_step_at
    return since if since >= view.patience else None


def loss_ratio(view: JobView) -> float | None:
    """The last validation loss, divided by the mean of the 20 training losses before it."""
    if not view.valid:
        return None
    last = view.valid[-1]
    train = mean(view.train.until(last.step, _SMOOTH))
    if train is None or train <= 0 or not math.isfinite(last.value):
        return None
    return last.value / train


def _diverged(view: JobView) -> HealthNote | None:
    for name, curve in (("Training", view.train), ("Validation", view.valid)):
        if curve and not math.isfinite(curve[-1].value):
            since = curve[len(curve) - _count_non_finite(curve)].step
            return HealthNote(
                "diverged",
                Tone.BAD,
                f"{name} loss is {curve[-1].value} since step {number(since)}: the run has "
                "diverged; a lower learning rate may help.",
                "The last loss is NaN or infinite.",
            )
    return None


def _count_non_finite(curve: Curve) -> int:
    """The number of values at the end that are not finite."""
    values: Iterator[float] = reversed(curve.values)
    count = next((index for index, value in enumerate(values) if math.isfinite(value)), None)
    return len(curve) if count is None else count


def _stalled(view: JobView, now: float) -> HealthNote | None:
    since = stalled(view, now)
    if since is None:
        return None
    return HealthNote(
        "stalled",
        Tone.WARNED,
        f"No step for {number(since // 60)} minutes.",
        "Running, but no step for 2 minutes and 10 times the slowest recent step.",
    )


def _overfitting(view: JobView) -> HealthNote | None:
    best, last = view.best, view.valid.tail(_RISES)
    if best is None or len(last) < _RISES or view.valid[-_RISES].step <= best.step:
        return None
    limit = best.value * _RISE if best.value > 0 else best.value
    if not all(math.isfinite(value) and value > limit for value in last):
        return None
    return HealthNote(
        "overfitting",
        Tone.WARNED,
        f"Validation loss has risen since step {number(best.step)}: {loss(last[-1])} now, "
        f"{loss(best.value)} then. The run is overfitting.",
        f"The last {_RISES} validation losses are more than 2% above the lowest.",
    )


def _gap(view: JobView) -> HealthNote | None:
    ratio = loss_ratio(view)
    if ratio is None or ratio < _GAP or len(view.train) < _SMOOTH:
        return None
    return HealthNote(
        "gap",
        Tone.WARNED,
        f"Validation loss is {ratio:.1f} times the training loss: the model memorizes its rows.",
        f"The last validation loss is at least {_GAP} times the mean of the {_SMOOTH} training "
        "losses before it.",
    )


def _flat(view: JobView) -> HealthNote | None:
    window = max(_FLAT_FROM, len(view.train) // _FLAT_SHARE)
    if view.terminal or len(view.train) < 2 * window:
        return None
    losses = view.train.tail(2 * window)
    before, after = mean(losses[:window]), mean(losses[window:])
    if before is None or after is None or before <= 0 or after < before * _FLAT:
        return None
    return HealthNote(
        "flat",
        Tone.NONE,
        f"Training loss has not improved over the last {number(window)} steps: "
        f"{loss(after)}, {loss(before)} before.",
        f"The mean of the last {number(window)} losses (a fifth of all, at least {_FLAT_FROM}) is "
        "less than 1% below the mean of as many before.",
    )
