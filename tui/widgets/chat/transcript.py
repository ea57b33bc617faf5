"""What was said to a model and what it answers: grows at its end at the cost of what is new."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal

from textual.content import Content
from textual.geometry import Size

from tui.domain.text import scrub
from tui.widgets.line_pane import LinePane

_STYLES = {
    "asked": "bold $text-muted",
    "answer": "",
    "note": "$text-muted",
    "error": "$text-error",
}
_MARKS = {"asked": "› ", "answer": "", "note": "", "error": "✗ "}
_LONGEST_QUESTION = 2_000
"""Characters of a question that are looked at; a few lines of it are shown."""
_KEPT_IN_SIGHT = 3
"""Lines of the page before that stand on top of the next one."""


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that was said; its text is foreign and not yet scrubbed."""

    kind: Literal["asked", "answer", "note", "error"]
    text: str


class Transcript(LinePane):
    """A conversation. While its end is in sight it follows what is added, by a page at once.

    A step of one line would send the whole pane for each line over SSH.
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self._said: Sequence[Said] = ()
        self._before: list[Content] = []
        self._ended: list[Content] = []
        self._ended_characters = 0
        self._last_question = 0

    def tell(self, said: Sequence[Said], *, stay: bool = False) -> None:
        """Show a conversation from its last question on.

        Args:
            said: all of it.
            stay: keep the place, as nothing but the last answer is another one.
        """
        before, place = self._visible_strips(), self.scroll_offset.y
        self._said = said
        self._lay_out()
        height = self.scrollable_content_region.height
        if not stay:
            place = self._last_question if len(self._lines) > height else 0
        self._go_to(place)
        self._repaint(before)

    def grow(self, text: str) -> None:
        """Show more of the answer that stands last: all of its text so far."""
        ended = text.rfind("\n") + 1
        if ended > self._ended_characters:
            self._ended += self._wrapped("answer", text[self._ended_characters : ended - 1])
            self._ended_characters = ended
        last = self._wrapped("answer", text[ended:]) if text[ended:] else []
        old, self._lines = self._lines, [*self._before, *self._ended, *last]
        self._repaint_changed(old)
        self._follow(len(old))

    def lay_out(self, width: int) -> Sequence[Content]:
        """All of it, wrapped, an empty line before each question."""
        lines: list[Content] = []
        for said in self._said:
            if said.kind == "asked":
                lines += [Content("")] if lines else []
                self._last_question = len(lines)
            self._before, self._ended, self._ended_characters = list(lines), [], 0
            lines += self._wrapped(said.kind, said.text)
        return lines

    def _wrapped(self, kind: str, text: str) -> list[Content]:
        if not text and kind == "answer":
            return []
        if kind == "asked":
            return self._question(text[:_LONGEST_QUESTION])
        return self._lines_of(kind, scrub(text, lines=True))

    def _question(self, text: str) -> list[Content]:
        """The beginning of a question: the room is for its answer."""
        room = max(2, self.scrollable_content_region.height // 4)
        lines = self._lines_of("asked", scrub(text, lines=True))
        if len(lines) > room:
            lines = self._lines_of("asked", scrub(text))
        if len(lines) > room:
            last = lines[room - 1].truncate(max(1, self._width - 2)).rstrip()
            lines = [*lines[: room - 1], Content.assemble(last, " …").stylize(_STYLES["asked"])]
        return lines

    def _lines_of(self, kind: str, shown: str) -> list[Content]:
        content = Content(_MARKS[kind] + shown).stylize(_STYLES[kind])
        return content.wrap(max(1, self._width))

    def _repaint_changed(self, old: Sequence[Content]) -> None:
        """Repaint what is new in the lines in sight; equal lines are not drawn to be compared."""
        first = self.scroll_offset.y
        sight = slice(first, first + self.scrollable_content_region.height)
        for y, was, now in _changed(old[sight], self._lines[sight]):
            self._repaint_line(y, self._drawn(was), self._drawn(now))

    def _follow(self, lines_before: int) -> None:
        """Go on to the end, if it was in sight and is not any more."""
        height = self.scrollable_content_region.height
        end = self.scroll_offset.y + height
        place = self.scroll_offset.y
        if lines_before <= end < len(self._lines):
            before = self._visible_strips()
            self._go_to(len(self._lines) - min(_KEPT_IN_SIGHT, height // 2) - 1)
            self._repaint(before)
        else:
            self._go_to(place)
            self._repaint_mark()

    def _go_to(self, place: int) -> None:
        """Begin at a line; there may be room below the last one."""
        height = self.scrollable_content_region.height
        place = max(0, min(place, len(self._lines) - 1))
        self.set_reactive(LinePane.virtual_size, Size(0, max(len(self._lines), place + height)))
        self.set_reactive(LinePane.scroll_y, float(place))
        self.set_reactive(LinePane.scroll_target_y, float(place))


def _changed(
    old: Sequence[Content], new: Sequence[Content]
) -> Iterator[tuple[int, Content | None, Content | None]]:
    for y, (was, now) in enumerate(zip_longest(old, new)):
        if was is not now and was != now:
            yield y, was, now
