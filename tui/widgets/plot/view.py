"""How a chart is shown: axes, zoomed window, smoothing, cursor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from typing import TypeVar

from tui.widgets.plot.smoothing import Smoothing

_Choice = TypeVar("_Choice", bound=Enum)
_MIN_WIDTH = 4.0
"""Steps or seconds of the narrowest window."""


class XAxis(StrEnum):
    """What the horizontal axis counts."""

    STEP = "step"
    TIME = "time"


def next_member(choice: _Choice) -> _Choice:
    """The next member of an enumeration, the first one after the last."""
    members = list(type(choice))
    return members[(members.index(choice) + 1) % len(members)]


@dataclass(frozen=True, slots=True)
class View:
    """How a chart is shown.

    Attributes:
        log: whether the vertical axis is logarithmic.
        window: the part of the horizontal axis in sight, in steps or seconds; None for all.
        cursor: the step under the cursor; None where no cursor is shown.
        braille: draw lines in braille, otherwise everything in plain ASCII.
    """

    x_axis: XAxis = XAxis.STEP
    log: bool = False
    smoothing: Smoothing = Smoothing.WEAK
    window: tuple[float, float] | None = None
    cursor: int | None = None
    braille: bool = True

    def zoomed(self, factor: float, whole: tuple[float, float], about: float) -> View:
        """The view with `factor` times as much of the axis, around a position.

        Args:
            factor: below 1 to zoom in, above 1 to zoom out.
            whole: both ends of the full range.
            about: the position that keeps its place in the window.
        """
        begin, end = self.window or whole
        width = max((end - begin) * factor, _MIN_WIDTH)
        if width >= whole[1] - whole[0]:
            return replace(self, window=None)
        share = min(1.0, max(0.0, (about - begin) / (end - begin))) if end > begin else 0.5
        first = about - share * width
        return replace(self, window=_clamp_window(first, width, whole))

    def panned(self, by: float, whole: tuple[float, float]) -> View:
        """The view moved along the axis by a multiple of its width; unchanged where not zoomed."""
        if self.window is None:
            return self
        begin, end = self.window
        width = end - begin
        return replace(self, window=_clamp_window(begin + by * width, width, whole))

    def with_other_axis(self) -> View:
        """The view by the other axis, not zoomed; the cursor stays at its step."""
        return replace(self, x_axis=next_member(self.x_axis), window=None)


def _clamp_window(begin: float, width: float, whole: tuple[float, float]) -> tuple[float, float]:
    first = max(whole[0], min(begin, whole[1] - width))
    return first, first + width
