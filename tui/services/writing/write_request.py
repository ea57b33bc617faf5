"""A request to write rows to new files, its progress and its result."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from tui.domain.rows.formats import Format
from tui.domain.rows.problems import Problem
from tui.services.progress import RowProgress
from tui.services.writing.manifest import WrittenFile

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
"""Warnings that reject converted rows: the answer is too short or too long, a refusal, cut off,
damaged, or full of placeholders."""

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""Characters that a text never holds; lone surrogates stand for bytes that were not UTF-8."""


def default_exclusions(kind: Format) -> frozenset[str]:
    """Warnings whose rows are rejected by default.

    They are those of `LOW_QUALITY` for rows that are converted. Rows in a training format were
    made for training: a short label is an answer there.
    """
    return LOW_QUALITY if kind.convertible else frozenset()


Share = Annotated[float, Field(ge=0, lt=1)]


def beside(out: Path, part: str, suffix: str = "") -> Path:
    """The path of a sibling of a file: `tickets.jsonl` -> `tickets.validation.jsonl`."""
    return out.with_name(f"{out.stem}.{part}{suffix or out.suffix}")


def system_prompt(text: str) -> str:
    """Validate a system prompt; empty where it is blank.

    Raises:
        ValueError: it contains an invalid character.
    """
    if match := _CONTROL.search(text):
        raise ValueError(f"the system prompt contains an invalid character (U+{ord(match[0]):04X})")
    return text if text.strip() else ""


class WriteRequest(BaseModel):
    """A request to write rows to new files.

    Attributes:
        out: the new file; the others are its siblings.
        system: system prompt for rows without one; empty for none.
        validation: share of the rows for a validation file, from 0 to below 1.
        test: share of the rows for a test file, from 0 to below 1.
        seed: seed of the split.
        leave_out: codes of warnings whose rows are rejected, like rows with errors.
        replace: whether existing files are replaced.
        fixed: codes of the problems whose fixes were applied already.
    """

    model_config = ConfigDict(frozen=True)

    out: Path
    system: Annotated[str, AfterValidator(system_prompt)] = ""
    validation: Share = 0.0
    test: Share = 0.0
    seed: int = 7
    leave_out: frozenset[str] = frozenset()
    replace: bool = False
    fixed: frozenset[str] = frozenset()

    @field_validator("out")
    @classmethod
    def _has_a_name(cls, out: Path) -> Path:
        if out.name in ("", ".."):
            raise ValueError("the new file needs a name")
        return out

    @model_validator(mode="after")
    def _leaves_rows_to_train_on(self) -> Self:
        if self.validation + self.test >= 1:
            raise ValueError("validation and test together must be less than 1")
        return self

    @property
    def row_paths(self) -> dict[int, Path]:
        """The files of valid rows by split: 0 is training, 1 validation, 2 test."""
        shares = {1: ("validation", self.validation), 2: ("test", self.test)}
        parts = {side: beside(self.out, part) for side, (part, share) in shares.items() if share}
        return {0: self.out} | parts

    @property
    def paths(self) -> list[Path]:
        """All paths that are written."""
        return [*self.row_paths.values(), self.rejected_path, self.manifest_path]

    @property
    def rejected_path(self) -> Path:
        """Where the rejected rows go: `tickets.jsonl` -> `tickets.rejected.jsonl`."""
        return beside(self.out, "rejected", ".jsonl")

    @property
    def manifest_path(self) -> Path:
        """Where the manifest goes: `tickets.jsonl` -> `tickets.manifest.json`."""
        return beside(self.out, "manifest", ".json")


class Written(BaseModel):
    """Result of writing.

    Attributes:
        file: the source, which is unchanged.
        format: its format.
        rows: number of its rows.
        written: rows written, over all outputs.
        rejected: rows not written, because of a problem or because the user excluded them.
        excluded: rejected rows that the user excluded.
        edited: written rows with pending edits.
        outputs: the training file, then the validation and test files, if requested.
        rejected_file: the rejected rows with their reasons; None where there are none.
        manifest: path of the manifest.
        problems: why rows were rejected, up to the limit; first, what was wrong with the file as a
            whole: another encoding, or parts that were not read.
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
class WriteProgress(RowProgress):
    """Progress of writing.

    Attributes:
        written: the result, in the last progress.
    """

    written: Written | None = None
