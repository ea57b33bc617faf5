"""The cases of a comparison as a table: the change and both answers."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar

from textual.binding import Binding, BindingType

from tui.domain.evaluation.records import CaseResult
from tui.domain.text import preview
from tui.domain.tone import Tone
from tui.widgets.line_table import Cell, Column, LineTable

_COLUMNS = [
    Column("case", 5, right=True),
    Column("change", 18),
    Column("base"),
    Column("tuned"),
    Column("prompt", from_width=118),
]


class Shown(StrEnum):
    """Which cases the table shows."""

    ALL = "all"
    REGRESSIONS = "regressions"
    IMPROVEMENTS = "improvements"


def change_cell(result: CaseResult) -> Cell:
    """The change from base to tuned: `▲ better 0→1`."""
    if result.scores is None:
        return "! not answered", Tone.WARNED
    base, tuned = (f"{score:.2f}".rstrip("0").rstrip(".") for score in result.scores)
    if result.scores[0] == result.scores[1]:
        return f"= same {tuned}"
    if result.scores[1] > result.scores[0]:
        return f"▲ better {base}→{tuned}", Tone.GOOD
    return f"▼ worse {base}→{tuned}", Tone.BAD


def arrange(results: Sequence[CaseResult], shown: Shown) -> list[CaseResult]:
    """The cases to show: the worst change first, cases without an answer after the worse ones."""
    visible = [result for result in results if _is_shown(result.change, shown)]
    return sorted(visible, key=lambda result: (_rank(result.change), result.number))


def _is_shown(change: float | None, shown: Shown) -> bool:
    if shown is Shown.ALL:
        return True
    if change is None:
        return False
    return change < 0 if shown is Shown.REGRESSIONS else change > 0


def _rank(change: float | None) -> float:
    return -1e-9 if change is None else change


class CaseTable(LineTable):
    """The table of cases."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select", "Case", id="cases.open")]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(_COLUMNS, self._cells_of, id=id)
        self.results: list[CaseResult] = []

    def show(self, results: list[CaseResult]) -> None:
        """Show these cases."""
        self.results = results
        self.set_row_count(len(results))
        self.rows_changed()

    @property
    def chosen(self) -> CaseResult | None:
        """The case under the cursor."""
        return self.results[self.cursor] if self.cursor < len(self.results) else None

    def _cells_of(self, row: int) -> Sequence[Cell]:
        result = self.results[row]
        return [
            str(result.number),
            change_cell(result),
            preview(result.base.text or result.base.error),
            preview(result.tuned.text or result.tuned.error),
            preview(result.prompt),
        ]
