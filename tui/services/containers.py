"""Opening a file of rows, whatever holds them; told by what is in the file, not by its name."""

from __future__ import annotations

from pathlib import Path

from tui.services.row_file import Container, RowFile

__all__ = ["Container", "open_rows"]


def open_rows(path: Path) -> RowFile:
    """Open a file of rows; none is known before it is scanned.

    Raises:
        OSError: the file cannot be read, or is a folder or a device.
        FileError: the file is of a kind that ftui does not read.
    """
    return RowFile(path)
