"""How fast a run goes, and what that says of the time that is left."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise

_RECENT = 33
"""Marks that tell the pace: enough to smooth, few enough to follow."""
_PARTS = 4
"""Parts of the recent steps whose paces differ: the fastest and the slowest make the range."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds a step takes.

    Attributes:
        recent: mean over the recent steps.
        fastest: of four parts of the recent steps, and of the stretch since the training began or
            went on (which counts the validations between the steps too), the one that went fastest.
        slowest: the one that went slowest.
    """

    recent: float
    fastest: float
    slowest: float


class PaceMeter:
    """Follows the steps of a run; going back, or a pause, begins anew."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int]] = deque(maxlen=_RECENT)
        self._began: tuple[float, int] | None = None

    def stop(self) -> None:
        """The run stands still: what was measured says nothing of the time after that."""
        self._marks.clear()
        self._began = None

    def step(self, step: int, at: float) -> None:
        """A step was reached.

        Args:
            step: its number.
            at: Unix seconds; servers that count whole ones tell several steps in one.
        """
        if self._marks and (step < self._marks[-1][1] or at < self._marks[-1][0]):
            self.stop()  # it was resumed, or the server's clock was set back
        if self._began is None:
            self._began = at, step
        # The first step of a second is the one whose time is known best.
        if not self._marks or (step > self._marks[-1][1] and at > self._marks[-1][0]):
            self._marks.append((at, step))

    def pace(self) -> Pace | None:
        """The pace now; None before two steps at different times."""
        if self._began is None or len(self._marks) < 2:
            return None
        marks = list(self._marks)
        every = max(1, (len(marks) - 1) // _PARTS)
        bounds = marks[(len(marks) - 1) % every :: every]
        whole = _seconds(self._began, marks[-1]) if self._began[0] < marks[-1][0] else None
        parts = [_seconds(before, after) for before, after in pairwise(bounds)]
        spread = [*parts, whole] if whole is not None else parts
        return Pace(_seconds(marks[0], marks[-1]), min(spread), max(spread))


def _seconds(before: tuple[float, int], after: tuple[float, int]) -> float:
    return (after[0] - before[0]) / (after[1] - before[1])
