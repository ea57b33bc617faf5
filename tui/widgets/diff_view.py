"""What a change does to a row: lines taken away and lines put in their place."""

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
_CHANGED = "reverse"
"""Also seen on white space, which a fix often takes away."""
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")
_COMPARED = 40
"""Neighbouring lines that are compared word by word at the most."""

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
        self.relayout()

    def lay_out(self, width: int) -> Sequence[Content]:
        """All lines, wrapped."""
        shown = [(one.kind, scrub(one.text)) for one in self._diff]
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
        content = content.stylize(_CHANGED, begin, end)
    parts = content.divide(list(accumulate(map(len, pieces[:-1])))) if pieces[1:] else [content]
    for i, part in enumerate(parts):
        mark = _MARKS[kind] if i == 0 else "  "
        yield Content.assemble(mark, part).stylize_before(_COLOURS[kind])


def _changed_spans(lines: Sequence[tuple[str, str]]) -> dict[int, Sequence[Span]]:
    """What differs between lines that go and as many that come in their place, by line."""
    runs = [(kind, list(run)) for kind, run in groupby(range(len(lines)), lambda i: lines[i][0])]
    spans: dict[int, Sequence[Span]] = {}
    for (kind, gone), (next_kind, new) in pairwise(runs):
        if (kind, next_kind) == ("removed", "added") and len(gone) == len(new) <= _COMPARED:
            for old_line, new_line in zip(gone, new, strict=True):
                pair = _differing(lines[old_line][1], lines[new_line][1])
                spans[old_line], spans[new_line] = pair
    return spans


def _differing(old: str, new: str) -> tuple[list[Span], list[Span]]:
    """The words, blanks and signs of each of two texts that the other has not."""
    old_words, new_words = _WORDS.findall(old), _WORDS.findall(new)
    old_starts = list(accumulate(map(len, old_words), initial=0))
    new_starts = list(accumulate(map(len, new_words), initial=0))
    matcher = SequenceMatcher(None, old_words, new_words, autojunk=False)
    blocks = [block for block in matcher.get_opcodes() if block[0] != "equal"]
    gone = [(old_starts[first], old_starts[end]) for _, first, end, _, _ in blocks if first < end]
    come = [(new_starts[first], new_starts[end]) for _, _, _, first, end in blocks if first < end]
    return gone, come
