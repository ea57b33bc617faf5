"""The manifest of written files: their source, how they were made, and their digests."""

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
    """The source of the rows, as it was read."""

    model_config = ConfigDict(frozen=True)

    file: str
    sha256: str
    bytes: int
    format: Format
    container: str
    shape: str
    encoding: str
    gzip: bool


class Split(BaseModel):
    """The split: the shares of rows, and the seed."""

    model_config = ConfigDict(frozen=True)

    validation: float
    test: float
    seed: int


class EditRecord(BaseModel):
    """One change by the user, and the lines of the source it changed."""

    model_config = ConfigDict(frozen=True)

    words: str
    lines: list[int]


class Manifest(BaseModel):
    """How files were made, so that they can be reproduced and identified.

    Attributes:
        ftui: version that wrote them.
        written_at: time of writing, in UTC.
        source: the source of the rows.
        counts: rows of the source, written, rejected, excluded among the rejected, and edited among
            the written.
        rejected_by_code: code -> rows rejected for it; a row may have several.
        dropped_fields: field that the conversion dropped -> written rows that had it.
        rules: options of the check.
        left_out: warnings whose rows were rejected.
        system: system prompt added to rows without one; empty for none.
        split: the split.
        edits: changes by the user, oldest first.
        outputs: the files of valid rows.
        rejected: the file of rejected rows; None where there are none.
    """

    model_config = ConfigDict(frozen=True)

    ftui: str
    written_at: str
    source: Source
    counts: dict[str, int]
    rejected_by_code: dict[str, int]
    dropped_fields: dict[str, int]
    rules: dict[str, Any]
    left_out: list[str]
    system: str
    split: Split
    edits: list[EditRecord]
    outputs: list[WrittenFile]
    rejected: WrittenFile | None


def shown_path(path: Path) -> str:
    """A path as text; bytes that are not UTF-8 are escaped."""
    return os.fsencode(path).decode(errors="backslashreplace")


def rules_json(options: CheckOptions) -> dict[str, Any]:
    """Check options as a JSON object."""
    return asdict(options) | {"off": sorted(options.off)}


def edit_records(steps: Sequence[EditStep], line_of: Callable[[int], int]) -> list[EditRecord]:
    """The changes by the user, by lines of the source."""
    return [
        EditRecord(words=step.description, lines=[line_of(row) for row in sorted(step.after)])
        for step in steps
    ]
