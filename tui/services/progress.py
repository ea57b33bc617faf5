"""How far a pass over the rows of a file is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RowProgress:
    """Rows done, and the rate.

    Attributes:
        doing: what is done now, as `checking` or `writing`.
        rows: rows of the file.
        done: rows that went through what is done now.
        seconds: time since what is done now began.
    """

    doing: str
    rows: int
    done: int
    seconds: float

    @property
    def share(self) -> float:
        """Part of what is done now, 0 to 1."""
        return self.done / self.rows if self.rows else 1.0

    @property
    def rows_per_second(self) -> float:
        """Rows a second, of what is done now."""
        return self.done / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Time until the end of what is done now; None while nothing is known."""
        return (self.rows - self.done) / self.rows_per_second if self.done else None
