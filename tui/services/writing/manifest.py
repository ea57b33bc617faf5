"""What stands beside written files: where they come from, what was done, and their digests."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from tui.domain.rows.check_options import CheckOptions
from tui.domain.rows.edits import EditStep
from tui.domain.rows.formats import Format


class WrittenFile(BaseModel):
    """One file that was written: its path, rows and the SHA-256 of its bytes."""

    model_config = ConfigDict(frozen=True)

    file: str
    rows: int
    sha256: str


class Source(BaseModel):
    """The file that the rows come from, as it was when it was read."""

    model_config = ConfigDict(frozen=True)

    file: str
    sha256: str
    bytes: int
    format: Format
    container: str
    gzip: bool


class Split(BaseModel):
    """How the rows were divided: parts of them, and the seed of the order."""

    model_config = ConfigDict(frozen=True)

    validation: float
    test: float
    seed: int


class EditRecord(BaseModel):
    """One change by a person: what was done, and to the rows on which lines of the source."""

    model_config = ConfigDict(frozen=True)

    words: str
    lines: list[int]


class Manifest(BaseModel):
    """How files were made, so that they can be made again and known again.

    Attributes:
        ftui: version that wrote them.
        written_at: when, in UTC.
        source: the file the rows come from.
        counts: rows of the source, written, rejected, and of these excluded by a person; written
            rows that a person edited.
        rejected_by_code: rows that were rejected for each problem; a row may have several.
        rules: limits and switches of the check.
        left_out: warnings whose rows were rejected beside those with errors.
        system: system prompt that was added to rows without one; empty for none.
        split: how the rows were divided.
        edits: what a person changed, oldest first.
        outputs: the files of good rows.
        rejected: the file of rejected rows; None where there are none.
    """

    model_config = ConfigDict(frozen=True)

    ftui: str
    written_at: str
    source: Source
    counts: dict[str, int]
    rejected_by_code: dict[str, int]
    rules: dict[str, Any]
    left_out: list[str]
    system: str
    split: Split
    edits: list[EditRecord]
    outputs: list[WrittenFile]
    rejected: WrittenFile | None


def shown_path(path: Path) -> str:
    """A path as text; bytes of its name that are no UTF-8 are shown as numbers."""
    return os.fsencode(path).decode(errors="backslashreplace")


def rules_told(options: CheckOptions) -> dict[str, Any]:
    """Options of a check as JSON has them."""
    return asdict(options) | {"off": sorted(options.off)}


def edits_told(steps: Sequence[EditStep], line_of: Callable[[int], int]) -> list[EditRecord]:
    """What a person changed, by the lines of the source."""
    return [
        EditRecord(words=step.words, lines=[line_of(row) for row in sorted(step.after)])
        for step in steps
    ]
