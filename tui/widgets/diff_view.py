"""What a change does to a row: lines taken away and lines put in their place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby, pairwise

from rich.cells import chop_cells
from textual.content import Content

from tui.domain.row_diff import DiffLine
from tui.domain.text import scrub
from tui.widgets.line_pane import LinePane

_MARKS = {"same": "  ", "removed": "- ", "added": "+ "}
_COLOURS = {"same": "", "removed": "$text-error", "added": "$text-success"}
_CHANGED = "reverse"
"""Also seen on white space, which a fix often takes away."""

Span = tuple[int, int]
"""The first character of a part, and the one after its last."""


class DiffView(LinePane):
    """Lines of a diff: `-` what goes, `+` what comes; a long line goes on in the next.

    Where as many lines come as go, what differs in each of them is marked.
    """

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
        shown = [(one.kind, scrub(one.text)) for one in self._diff]
        changed = _changed_spans(shown)
        return [
            line
            for i, (kind, text) in enumerate(shown)
            for line in _wrapped(kind, text, changed.get(i, (0, 0)), width)
        ]


def _wrapped(kind: str, text: str, changed: Span, width: int) -> Iterator[Content]:
    room = max(2, width - len(_MARKS[kind]))
    pieces = chop_cells(text, room) or [""]
    content = (
        Content(text).stylize(_CHANGED, *changed) if changed[0] < changed[1] else Content(text)
    )
    parts = content.divide(list(accumulate(map(len, pieces[:-1])))) if pieces[1:] else [content]
    for i, part in enumerate(parts):
        mark = _MARKS[kind] if i == 0 else "  "
        yield Content.assemble(mark, part).stylize_before(_COLOURS[kind])


def _changed_spans(lines: Sequence[tuple[str, str]]) -> dict[int, Span]:
    """What differs between lines that go and as many that come in their place, by line."""
    runs = [(kind, list(run)) for kind, run in groupby(range(len(lines)), lambda i: lines[i][0])]
    spans: dict[int, Span] = {}
    for (kind, gone), (next_kind, new) in pairwise(runs):
        if (kind, next_kind) == ("removed", "added") and len(gone) == len(new):
            for old_line, new_line in zip(gone, new, strict=True):
                pair = _differing(lines[old_line][1], lines[new_line][1])
                spans[old_line], spans[new_line] = pair
    return spans


def _differing(old: str, new: str) -> tuple[Span, Span]:
    """What is left of two texts without what both begin and end with."""
    shortest = min(len(old), len(new))
    head = next((i for i in range(shortest) if old[i] != new[i]), shortest)
    tail = 0
    while tail < shortest - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return (head, len(old) - tail), (head, len(new) - tail)
