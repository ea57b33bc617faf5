"""The progress of long work: what is shown of it, and the sentence that shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from tui.domain.text import duration, number

_BAR_WIDTH = 20


class Progress(Protocol):
    """The progress of a step of long work."""

    @property
    def label(self) -> str:
        """The step that runs, such as `writing`."""

    @property
    def share(self) -> float:
        """Part of the step that is done, 0 to 1."""

    @property
    def rate(self) -> str:
        """Speed with its unit, such as `12,043 rows/s`; empty while it is unknown."""

    @property
    def seconds_left(self) -> float | None:
        """Estimated time to the end of the step; None while it is unknown."""


OnProgress: TypeAlias = Callable[[Progress], None]
"""A callback for progress; called in the event loop, and often."""


def ignore_progress(progress: Progress) -> None:
    """A progress callback that does nothing."""


def describe_progress(progress: Progress, *, bar: bool = False) -> str:
    """`writing  42%  12,043 rows/s  0:07 left`.

    Args:
        progress: what is described.
        bar: whether to draw a bar after the percentage.
    """
    drawn = f" {'█' * round(_BAR_WIDTH * progress.share):░<{_BAR_WIDTH}}" if bar else ""
    left = progress.seconds_left
    parts = [
        f"{progress.label} {progress.share:4.0%}{drawn}",
        progress.rate,
        "" if left is None else f"{duration(left)} left",
    ]
    return "  ".join(filter(None, parts))


@dataclass(frozen=True, slots=True)
class RowProgress:
    """Progress of a pass over the rows of a file.

    Attributes:
        label: the pass, such as `writing`.
        rows: rows of the file.
        done: rows the pass has been through.
        seconds: time since the pass began.
    """

    label: str
    rows: int
    done: int
    seconds: float

    @property
    def share(self) -> float:
        """Part of the rows that is done, 0 to 1."""
        return self.done / self.rows if self.rows else 1.0

    @property
    def rate(self) -> str:
        """Rows per second."""
        return row_rate(self.done, self.seconds)

    @property
    def seconds_left(self) -> float | None:
        """Estimated time to the end of the pass; None while it is unknown."""
        return self.seconds * (self.rows - self.done) / self.done if self.done else None


def row_rate(rows: float, seconds: float) -> str:
    """`12,043 rows/s`; empty while it is unknown."""
    return f"{number(rows / seconds)} rows/s" if rows and seconds > 0 else ""
