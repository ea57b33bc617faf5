"""How far a file is on its way to a server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tui.domain.text import duration, preview, size_of


@dataclass(frozen=True, slots=True)
class UploadProgress:
    """How far a file is on its way to a server.

    Attributes:
        doing: what is done now: `reading` or `uploading`.
        name: of the file.
        done: bytes that went through what is done now.
        size: bytes in all.
        rate: bytes a second; 0 while nothing is known.
    """

    doing: str
    name: str
    done: int
    size: int
    rate: float = 0.0

    @property
    def share(self) -> float:
        """Part that is done, 0 to 1."""
        return self.done / self.size if self.size else 1.0

    @property
    def seconds_left(self) -> float | None:
        """Time until the end of what is done now; None while nothing is known."""
        return (self.size - self.done) / self.rate if self.rate > 0 else None

    def words(self) -> str:
        """`uploading tickets.jsonl  42% of 5.2 GB  98.1 MB/s  0:31 left`."""
        said = f"{self.doing} {preview(self.name, 40)}  {self.share:.0%} of {size_of(self.size)}"
        if self.seconds_left is None:
            return said
        return f"{said}  {size_of(self.rate)}/s  {duration(self.seconds_left)} left"


Tell = Callable[[UploadProgress], None]
"""Takes each progress; called in the event loop, and often."""


def tell_nobody(progress: UploadProgress) -> None:
    """Let a progress pass."""
