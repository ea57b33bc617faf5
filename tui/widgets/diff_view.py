"""What a change does to a row: lines taken away and lines put in their place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.cells import chop_cells
from textual.content import Content

from tui.domain.text import scrub
from tui.widgets.line_pane import LinePane

if TYPE_CHECKING:
    from tui.domain.row_diff import DiffLine

_MARKS = {
    "same": ("  ", "$text-muted"),
    "removed": ("- ", "$text-error"),
    "added": ("+ ", "$text-success"),
}


class DiffView(LinePane):
    """Lines of a diff: `-` what goes, `+` what comes; a long line goes on in the next."""

    DEFAULT_CSS = "DiffView { padding: 0 1; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self._diff: Sequence[DiffLine] = ()

    def show(self, diff: Sequence[DiffLine]) -> None:
        """Show another diff from its top."""
        self._diff = diff
        self.show_anew()

    def lay_out(self, width: int) -> Sequence[Content]:
        """All lines, wrapped."""
        return [line for one in self._diff for line in _wrapped(one, width)]


def _wrapped(one: DiffLine, width: int) -> Iterator[Content]:
    mark, colour = _MARKS[one.kind]
    room = max(2, width - len(mark))
    for i, piece in enumerate(chop_cells(scrub(one.text), room) or [""]):
        yield Content((mark if i == 0 else " " * len(mark)) + piece).stylize(colour)
