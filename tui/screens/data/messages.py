"""What the workers of the screen Data tell it."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message

from tui.domain.rows.edits import EditStep
from tui.services.datasets.datasets import CheckProgress, Dataset
from tui.services.errors import FtuiError
from tui.services.writing.writing import Written


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
class Progressed(Message):
    """A change or a writing went on; no words at its end."""

    words: str


@dataclass
class RowsChanged(Message):
    """A person changed rows, or took a change back."""

    dataset: Dataset
    step: EditStep
    said: str


@dataclass
class FileWritten(Message):
    """New files were written."""

    dataset: Dataset
    done: Written
    train: bool
