"""Messages that the workers of the Data screen post to it."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message

from tui.domain.rows.edits import EditStep
from tui.services.datasets.datasets import CheckProgress, Dataset
from tui.services.errors import FtuiError
from tui.services.writing.writing import Written


@dataclass
class FileOpened(Message):
    """A file was opened; its first rows are known."""

    dataset: Dataset


@dataclass
class FileFailed(Message):
    """The file cannot be read, or no longer."""

    error: FtuiError


@dataclass
class CheckProgressed(Message):
    """The check made progress; at its end the dataset has its report."""

    dataset: Dataset
    progress: CheckProgress


@dataclass
class Progressed(Message):
    """A change or a write made progress; the text is empty at its end."""

    text: str


@dataclass
class RowsChanged(Message):
    """Rows were changed, or a change was undone; the prefix introduces its description."""

    dataset: Dataset
    step: EditStep
    prefix: str


@dataclass
class FileWritten(Message):
    """New files were written."""

    dataset: Dataset
    written: Written
    train: bool
