"""How a chart is looked at: its axes, its part, its smoothing, its cursor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from typing import TypeVar

_Choice = TypeVar("_Choice", bound=Enum)
_NARROWEST = 4.0
"""Steps or seconds that are shown at the least."""


class Across(StrEnum):
    """What the horizontal axis counts."""

    STEP = "step"
    TIME = "time"


class Smoothing(Enum):
    """How much of the mean before a point stays in the exponential moving average at it."""

    OFF = 0.0
    WEAK = 0.6
    STRONG = 0.95

    @property
    def words(self) -> str:
        """The level and its rule: `smoothed weakly (EMA 0.6)`."""
        if self is Smoothing.OFF:
            return "not smoothed"
        return f"smoothed {self.name.lower()}ly (EMA {self.value})"


def following(choice: _Choice) -> _Choice:
    """The next member of an enumeration; after the last one comes the first."""
    members = list(type(choice))
    return members[(members.index(choice) + 1) % len(members)]


@dataclass(frozen=True, slots=True)
class View:
    """How a chart is looked at.

    Attributes:
        log: whether the vertical axis is logarithmic.
        window: the part of the horizontal axis that is shown, in steps or seconds; None for all.
        cursor: the step that is read; None where no cursor is shown.
        braille: draw lines in braille; otherwise everything is plain ASCII.
    """

    across: Across = Across.STEP
    log: bool = False
    smoothing: Smoothing = Smoothing.WEAK
    window: tuple[float, float] | None = None
    cursor: int | None = None
    braille: bool = True

    def zoomed(self, factor: float, whole: tuple[float, float], about: float) -> View:
        """The view with `factor` times as much of the axis, around a place that stays in sight.

        Args:
            factor: below 1 to see less, above 1 to see more.
            whole: both ends of all there is.
            about: a place on the axis.
        """
        begin, end = self.window or whole
        width = max((end - begin) * factor, _NARROWEST)
        if width >= whole[1] - whole[0]:
            return replace(self, window=None)
        share = min(1.0, max(0.0, (about - begin) / (end - begin))) if end > begin else 0.5
        first = about - share * width
        return replace(self, window=_kept_in(first, width, whole))

    def panned(self, by: float, whole: tuple[float, float]) -> View:
        """The view moved along the axis by so many times its width; as it is where all is seen."""
        if self.window is None:
            return self
        begin, end = self.window
        width = end - begin
        return replace(self, window=_kept_in(begin + by * width, width, whole))

    def turned(self) -> View:
        """The view by the other axis, all of it; the cursor stays at its step."""
        return replace(self, across=following(self.across), window=None)


def _kept_in(begin: float, width: float, whole: tuple[float, float]) -> tuple[float, float]:
    first = max(whole[0], min(begin, whole[1] - width))
    return first, first + width
