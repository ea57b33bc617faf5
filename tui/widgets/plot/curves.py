"""What a chart shows: one run, or several laid over each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tui.domain.jobs.curves import Curve, Point


@dataclass(frozen=True, slots=True)
class RunCurves:
    """One run.

    Attributes:
        name: what the legend calls it, scrubbed; a run that is alone needs none.
        line: what is drawn as a line; values that are no numbers are left out and counted.
        marks: what is drawn as points with a glyph, such as the validation loss.
        best: the point among `marks` that gets a star.
        checkpoints: steps that are marked on the axis.
        started_at: Unix seconds from which its time counts; None for those of its first point.
    """

    name: str = ""
    line: Curve = field(default_factory=Curve)
    marks: Curve = field(default_factory=Curve)
    best: Point | None = None
    checkpoints: Sequence[int] = ()
    started_at: float | None = None


@dataclass(frozen=True, slots=True)
class Curves:
    """A chart.

    Attributes:
        runs: the first one is the chart's own: the cursor reads it, its marks are told apart.
        last_step: right end of the axis, where it is known before it is reached.
        line_word: what the lines are.
        marks_word: what the points are.
        absent: what is said where there is nothing to draw.
    """

    runs: Sequence[RunCurves] = ()
    last_step: int | None = None
    line_word: str = "training"
    marks_word: str = "validation"
    absent: str = ""
