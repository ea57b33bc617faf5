"""The time left of a run, estimated from its pace."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise

_RECENT = 33
"""Steps over which the pace is measured: enough to smooth it, few enough to follow a change."""
_PARTS = 4
"""Parts of the recent steps: the fastest and the slowest of them make the range."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds per step.

    Attributes:
        recent: mean over the recent steps.
        fastest: the fastest of four parts of the recent steps and of the whole stretch since the
            training began or resumed (which includes the validations between the steps).
        slowest: the slowest of them.
    """

    recent: float
    fastest: float
    slowest: float


class PaceMeter:
    """Measures the pace of a run; it starts over after a pause or when the steps go back."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int]] = deque(maxlen=_RECENT)
        self._start: tuple[float, int] | None = None

    def stop(self) -> None:
        """The run has stopped: discard the measurement."""
        self._marks.clear()
        self._start = None

    def step(self, step: int, at: float) -> None:
        """Record that a step was reached.

        Args:
            step: its number.
            at: Unix seconds; with whole seconds, several steps may have the same time.
        """
        if self._marks and (step < self._marks[-1][1] or at < self._marks[-1][0]):
            self.stop()  # the run was resumed, or the server's clock was set back
        if self._start is None:
            self._start = at, step
        # With whole seconds, the time of the first step in a second is the most precise.
        if not self._marks or (step > self._marks[-1][1] and at > self._marks[-1][0]):
            self._marks.append((at, step))

    def pace(self) -> Pace | None:
        """The current pace; None before two steps at different times."""
        if self._start is None or len(self._marks) < 2:
            return None
        marks = list(self._marks)
        stride = max(1, (len(marks) - 1) // _PARTS)
        bounds = marks[(len(marks) - 1) % stride :: stride]
        whole = _seconds_per_step(self._start, marks[-1]) if self._start[0] < marks[-1][0] else None
        parts = [_seconds_per_step(before, after) for before, after in pairwise(bounds)]
        spread = [*parts, whole] if whole is not None else parts
        return Pace(_seconds_per_step(marks[0], marks[-1]), min(spread), max(spread))


def time_left(steps: int, seconds_per_step: float, since_last: float) -> float:
    """Seconds until the last step.

    Args:
        steps: number of steps left.
        seconds_per_step: the pace.
        since_last: seconds since the last step; a late step does not shorten those after it.
    """
    return max(0.0, steps * seconds_per_step - min(since_last, seconds_per_step))


def _seconds_per_step(before: tuple[float, int], after: tuple[float, int]) -> float:
    return (after[0] - before[0]) / (after[1] - before[1])
