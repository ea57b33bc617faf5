"""Unsaved changes of a file: edits and exclusions, with undo and redo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class RowEdit:
    """How a row differs from the source.

    Attributes:
        raw: the new bytes without a line break; None where they are unchanged.
        excluded: the row is not written.
    """

    raw: bytes | None = None
    excluded: bool = False


UNTOUCHED = RowEdit()
"""The row is as in the source."""
EXCLUDED = RowEdit(excluded=True)
"""The row is as in the source, and excluded."""


@dataclass(frozen=True, slots=True)
class EditStep:
    """One change by a person, undone and redone as a whole.

    Attributes:
        description: description, such as `strip white space`.
        before: the state of the changed rows before, by row.
        after: their state afterwards; the same keys.
    """

    description: str
    before: Mapping[int, RowEdit]
    after: Mapping[int, RowEdit]


class EditCounts(NamedTuple):
    """Rows that differ from the source: `edited` ones will be written, `excluded` ones not."""

    edited: int
    excluded: int


class Edits:
    """The pending changes of a file. Undo and redo have no limit."""

    def __init__(self) -> None:
        self._pending: dict[int, RowEdit] = {}
        self._steps: list[EditStep] = []
        self._undone: list[EditStep] = []
        self._excluded = 0

    def __bool__(self) -> bool:
        """Whether any row differs from the source."""
        return bool(self._pending)

    @property
    def pending(self) -> Mapping[int, RowEdit]:
        """The rows that differ from the source; a view, not a copy."""
        return MappingProxyType(self._pending)

    @property
    def steps(self) -> Sequence[EditStep]:
        """The applied steps, oldest first."""
        return tuple(self._steps)

    @property
    def undone(self) -> Sequence[EditStep]:
        """The steps that `redo` would apply, next first."""
        return tuple(reversed(self._undone))

    @property
    def counts(self) -> EditCounts:
        """How many rows differ from the source."""
        return EditCounts(len(self._pending) - self._excluded, self._excluded)

    def of(self, row: int) -> RowEdit:
        """How a row differs from the source; `UNTOUCHED` where it does not."""
        return self._pending.get(row, UNTOUCHED)

    def do(self, description: str, after: Mapping[int, RowEdit]) -> EditStep | None:
        """Change rows; clears the steps to redo.

        Args:
            description: text for the list of changes.
            after: the new state of the rows, by row.

        Returns:
            The step with the rows that change; None where none does, which keeps the steps to redo.
        """
        changed = {row: edit for row, edit in after.items() if edit != self.of(row)}
        if not changed:
            return None
        step = EditStep(description, {row: self.of(row) for row in changed}, changed)
        self._put(step.after)
        self._steps.append(step)
        self._undone.clear()
        return step

    def undo(self) -> EditStep | None:
        """Undo the last step and return it; None where there is none."""
        if not self._steps:
            return None
        step = self._steps.pop()
        self._put(step.before)
        self._undone.append(step)
        return step

    def redo(self) -> EditStep | None:
        """Redo the last undone step and return it; None where there is none."""
        if not self._undone:
            return None
        step = self._undone.pop()
        self._put(step.after)
        self._steps.append(step)
        return step

    def _put(self, edits: Mapping[int, RowEdit]) -> None:
        for row, edit in edits.items():
            self._excluded += edit.excluded - self.of(row).excluded
            if edit == UNTOUCHED:
                self._pending.pop(row, None)
            else:
                self._pending[row] = edit
