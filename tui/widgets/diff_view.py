"""A line diff of a row: removed and added lines, with changed words marked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import accumulate, groupby, pairwise

from rich.cells import chop_cells
from textual.content import Content

from tui.domain.rows.diff import DiffLine
from tui.domain.text import scrub
from tui.widgets.line_pane import LinePane

_MARKS = {"same": "  ", "removed": "- ", "added": "+ "}
_COLOURS = {"same": "", "removed": "$text-error", "added": "$text-success"}
_CHANGED_STYLE = "reverse"
"""Also visible on white space, which fixes often remove."""
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")
_COMPARED = 40
"""Longest run of lines that is compared word by word."""

Span = tuple[int, int]
"""Start and end of a range of characters."""


class DiffView(LinePane):
    """Lines of a diff, `-` removed and `+` added; long lines wrap.

    If as many lines are added as removed, the words that differ are marked.
    """

    DEFAULT_CSS = "DiffView { padding: 0 1; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self._diff: Sequence[DiffLine] = ()

    def show(self, diff: Sequence[DiffLine]) -> None:
        """Show a diff from its top."""
        self._diff = diff
        self.relayout()

    def lay_out(self, width: int) -> Sequence[Content]:
        """All lines, wrapped."""
        shown = [(line.kind, scrub(line.text)) for line in self._diff]
        changed = _changed_spans(shown)
        return [
            line
            for i, (kind, text) in enumerate(shown)
            for line in _wrapped(kind, text, changed.get(i, ()), width)
        ]


def _wrapped(kind: str, text: str, changed: Sequence[Span], width: int) -> Iterator[Content]:
    room = max(2, width - len(_MARKS[kind]))
    pieces = chop_cells(text, room) or [""]
    content = Content(text)
    for begin, end in changed:
        content = content.stylize(_CHANGED_STYLE, begin, end)
    parts = content.divide(list(accumulate(map(len, pieces[:-1])))) if pieces[1:] else [content]
    for i, part in enumerate(parts):
        mark = _MARKS[kind] if i == 0 else "  "
        yield Content.assemble(mark, part).stylize_before(_COLOURS[kind])


def _changed_spans(lines: Sequence[tuple[str, str]]) -> dict[int, Sequence[Span]]:
    """Changed spans of removed lines and as many added ones, by line."""
    runs = [(kind, list(run)) for kind, run in groupby(range(len(lines)), lambda i: lines[i][0])]
    spans: dict[int, Sequence[Span]] = {}
    for (kind, removed), (next_kind, added) in pairwise(runs):
        if (kind, next_kind) == ("removed", "added") and len(removed) == len(added) <= _COMPARED:
            for old_line, new_line in zip(removed, added, strict=True):
                pair = _differing(lines[old_line][1], lines[new_line][1])
                spans[old_line], spans[new_line] = pair
    return spans


def _differing(old: str, new: str) -> tuple[list[Span], list[Span]]:
    """Spans of the words, blanks and signs of each text that the other lacks."""
    old_words, new_words = _WORDS.findall(old), _WORDS.findall(new)
    old_starts = list(accumulate(map(len, old_words), initial=0))
    new_starts = list(accumulate(map(len, new_words), initial=0))
    matcher = SequenceMatcher(None, old_words, new_words, autojunk=False)
    blocks = [block for block in matcher.get_opcodes() if block[0] != "equal"]
    old_spans = [(old_starts[i], old_starts[j]) for _, i, j, _, _ in blocks if i < j]
    new_spans = [(new_starts[i], new_starts[j]) for _, _, _, i, j in blocks if i < j]
    return old_spans, new_spans
