"""The progress of a file that is sent to a server."""

from __future__ import annotations

from dataclasses import dataclass

from tui.domain.text import preview, size_of


@dataclass(frozen=True, slots=True)
class UploadProgress:
    """The progress of a file that is sent to a server; a `tui.services.progress.Progress`.

    Attributes:
        step: `reading` or `uploading`.
        name: name of the file.
        done: bytes the step has been through.
        size: bytes of the file.
        bytes_per_second: speed; 0 while it is unknown.
    """

    step: str
    name: str
    done: int
    size: int
    bytes_per_second: float = 0.0

    @property
    def label(self) -> str:
        """`uploading tickets.jsonl (5.2 GB)`."""
        return f"{self.step} {preview(self.name, 40)} ({size_of(self.size)})"

    @property
    def share(self) -> float:
        """Part of the bytes that is done, 0 to 1."""
        return self.done / self.size if self.size else 1.0

    @property
    def rate(self) -> str:
        """`98.1 MB/s`; empty while it is unknown."""
        return f"{size_of(self.bytes_per_second)}/s" if self.bytes_per_second > 0 else ""

    @property
    def seconds_left(self) -> float | None:
        """Estimated time to the end of the step; None while it is unknown."""
        left = self.size - self.done
        return left / self.bytes_per_second if self.bytes_per_second > 0 else None
