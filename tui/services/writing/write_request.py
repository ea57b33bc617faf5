"""What shall be written of a file, how far that is, and what was written."""

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
"""Warnings that keep a row out by the seed's rule: its length rule and `_is_high_quality`."""

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""No text holds these; halves of surrogate pairs stand for bytes that were no UTF-8."""


def left_out_of(kind: Format) -> frozenset[str]:
    """Warnings whose rows are left out unless a person says otherwise.

    Rows that are converted are held to the seed's rule. Rows that are trained on as they are were
    made so by somebody: a short label is an answer there.
    """
    return LOW_QUALITY if kind.convertible else frozenset()


Share = Annotated[float, Field(ge=0, lt=1)]


def beside(out: Path, part: str, suffix: str = "") -> Path:
    """A file that stands beside the new one: `tickets.jsonl` -> `tickets.validation.jsonl`."""
    return out.with_name(f"{out.stem}.{part}{suffix or out.suffix}")


def system_prompt(text: str) -> str:
    """A system prompt as it is written; empty where it is blank.

    Raises:
        ValueError: it holds a character that no text holds, with a sentence that says which.
    """
    if found := _CONTROL.search(text):
        raise ValueError(
            f"the system prompt holds a character that is no text (U+{ord(found[0]):04X})"
        )
    return text if text.strip() else ""


class WriteRequest(BaseModel):
    """What shall be written.

    Attributes:
        out: the new file; the others stand beside it and are named after it.
        system: system prompt for rows that bring none; empty where it is blank.
        validation: part of the rows that goes to a validation file, from 0 to below 1.
        test: part of the rows that goes to a test file, from 0 to below 1.
        seed: chooses the rows of the split.
        leave_out: codes of warnings whose rows are rejected, as rows with errors are.
        replace: write over files of these names.
    """

    model_config = ConfigDict(frozen=True)

    out: Path
    system: Annotated[str, AfterValidator(system_prompt)] = ""
    validation: Share = 0.0
    test: Share = 0.0
    seed: int = 7
    leave_out: frozenset[str] = frozenset()
    replace: bool = False

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
        """The files of good rows, by the side of the split: 0 is training."""
        shares = {1: ("validation", self.validation), 2: ("test", self.test)}
        parts = {side: beside(self.out, part) for side, (part, share) in shares.items() if share}
        return {0: self.out} | parts

    @property
    def paths(self) -> list[Path]:
        """Every name that the writing needs to be free, or replaces."""
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
class WriteProgress(RowProgress):
    """How far the writing is.

    Attributes:
        written: what was written, in the last progress of all.
    """

    written: Written | None = None
