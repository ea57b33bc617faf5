"""What the workers of the screen Data tell it."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message

from tui.services.datasets import CheckProgress, Dataset, RowDetail, RowView
from tui.services.errors import FtuiError
from tui.services.preparing import Preparation


@dataclass
class FileOpened(Message):
    """A file is open, its first rows are known."""

    dataset: Dataset


@dataclass
class FileFailed(Message):
    """The file cannot be read, or not any more."""

    error: FtuiError


@dataclass
class CheckProgressed(Message):
    """The check went on; at its end the dataset has its report."""

    dataset: Dataset
    progress: CheckProgress


@dataclass
class RowsRead(Message):
    """Rows for the table."""

    dataset: Dataset
    rows: list[RowView]
    changed: bool


@dataclass
class DetailRead(Message):
    """The selected row in full."""

    dataset: Dataset
    detail: RowDetail


@dataclass
class FilePrepared(Message):
    """A chat file was written."""

    done: Preparation
