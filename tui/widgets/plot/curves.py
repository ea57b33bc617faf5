"""What a chart shows: one run, or several overlaid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tui.domain.jobs.curves import Curve, Point


@dataclass(frozen=True, slots=True)
class RunCurves:
    """The curves of one run.

    Attributes:
        name: scrubbed, for the legend; a single run needs none.
        line: drawn as a line; values that are not finite are left out and counted.
        marks: drawn as points with a glyph, such as the validation loss.
        best: the point among `marks` that gets a star.
        checkpoints: steps to mark on the axis.
        started_at: Unix seconds from which its time counts; None for its first point.
    """

    name: str = ""
    line: Curve = field(default_factory=Curve)
    marks: Curve = field(default_factory=Curve)
    best: Point | None = None
    checkpoints: Sequence[int] = ()
    started_at: float | None = None


@dataclass(frozen=True, slots=True)
class Curves:
    """The content of a chart.

    Attributes:
        runs: the first is the main one: the cursor follows it, its marks have their own glyph.
        last_step: right end of the axis, where known in advance.
        line_label: what the lines are.
        marks_label: what the points are.
        empty_message: shown where there is nothing to draw.
    """

    runs: Sequence[RunCurves] = ()
    last_step: int | None = None
    line_label: str = "training"
    marks_label: str = "validation"
    empty_message: str = ""
