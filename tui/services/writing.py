"""Writing what is good of a file, as edited, to new files: rows, rejected rows, manifest."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tui.domain.examples import Format
from tui.domain.problems import Problem
from tui.services.datasets import Dataset

LOW_QUALITY = frozenset(
    {
        "output-too-short",
        "output-too-long",
        "refusal",
        "placeholder",
        "truncated-output",
        "encoding-damage",
    }
)
"""Warnings that keep a row out by the seed's rule: its length rule and `_is_high_quality`."""

Share = Annotated[float, Field(ge=0, lt=1)]


class WriteRequest(BaseModel):
    """What shall be written.

    Attributes:
        out: the new file; the others stand beside it and are named after it.
        system: system prompt for rows that bring none.
        validation: part of the rows that goes to a validation file, from 0 to below 1.
        test: part of the rows that goes to a test file, from 0 to below 1.
        seed: chooses the rows of the split.
        leave_out: codes of warnings whose rows are rejected, as rows with errors are.
        replace: write over files of these names.
    """

    model_config = ConfigDict(frozen=True)

    out: Path
    system: str = ""
    validation: Share = 0.0
    test: Share = 0.0
    seed: int = 7
    leave_out: frozenset[str] = frozenset()
    replace: bool = False

    @model_validator(mode="after")
    def _leaves_rows_to_train_on(self) -> Self:
        if self.validation + self.test >= 1:
            raise ValueError("validation and test together must be less than 1")
        return self


class WrittenFile(BaseModel):
    """One file that was written: its path, rows and the SHA-256 of its bytes."""

    model_config = ConfigDict(frozen=True)

    file: str
    rows: int
    sha256: str


class Written(BaseModel):
    """What was written.

    Attributes:
        file: the source, which is as it was.
        format: its format.
        rows: rows it holds.
        written: rows that were written, over all outputs.
        rejected: rows that were not, for a problem or because a person excluded them.
        excluded: those of them that a person excluded.
        edited: rows that were written otherwise than they stand in the source.
        outputs: the training file, then those of validation and test if they were asked for.
        rejected_file: the rejected rows with their reasons; None where there are none.
        manifest: path of the manifest.
        problems: why rows were rejected, as many as were to be kept.
    """

    model_config = ConfigDict(frozen=True)

    file: str
    format: Format
    rows: int
    written: int
    rejected: int
    excluded: int
    edited: int
    outputs: list[WrittenFile]
    rejected_file: WrittenFile | None
    manifest: str
    problems: list[Problem]


@dataclass(frozen=True, slots=True)
class WriteProgress:
    """How far the writing is.

    Attributes:
        doing: what is done now, as `checking` or `writing`.
        rows: rows of the file.
        done: rows that went through what is done now.
        seconds: time since what is done now began.
        written: what was written, in the last progress of all.
    """

    doing: str
    rows: int
    done: int
    seconds: float
    written: Written | None = None

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


def beside(out: Path, part: str, suffix: str = "") -> Path:
    """A file that stands beside the new one: `tickets.jsonl` -> `tickets.validation.jsonl`."""
    return out.with_name(f"{out.stem}.{part}{suffix or out.suffix}")


async def write(
    dataset: Dataset, request: WriteRequest, *, keep: int = 100
) -> AsyncIterator[WriteProgress]:
    """Write the good rows of a file, with a person's edits, to new files.

    Args:
        dataset: an open file; it is checked first where it was not. Nothing is written into it.
        request: what is wanted.
        keep: problems to tell at the most.

    Yields:
        Progress; the last one tells what was `written`.

    Raises:
        InputError: the format cannot be converted, a file of that name exists, or no row is good.
        FileError: something cannot be read or written; every file is as it was then.
    """
    yield WriteProgress("checking", len(dataset), 0, 0.0)
    raise NotImplementedError
