"""The transcript of a conversation; appending costs only what is new."""

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
    "user": "bold $text-muted",
    "answer": "",
    "note": "$text-muted",
    "error": "$text-error",
}
_MARKS = {"user": "› ", "answer": "", "note": "", "error": "✗ "}
_MAX_MESSAGE = 2_000
"""Characters of a message that are laid out; a few lines of them are shown."""
_OVERLAP = 3
"""Lines of the previous page that stay in sight when scrolling on."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the transcript; its text is untrusted and not yet scrubbed."""

    kind: Literal["user", "answer", "note", "error"]
    text: str


class Transcript(LinePane):
    """A conversation. While its end is visible, it scrolls by pages as text is added.

    Scrolling by lines would send the whole pane for each line over SSH.
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self._entries: Sequence[Entry] = ()
        self._above: list[Content] = []
        self._complete: list[Content] = []
        self._complete_characters = 0
        self._last_message = 0

    def show(self, entries: Sequence[Entry], *, keep_position: bool = False) -> None:
        """Show a conversation, scrolled to the last message of the user.

        Args:
            entries: all of it.
            keep_position: do not scroll, as only the last answer has changed.
        """
        previous, line = self._visible_strips(), self.scroll_offset.y
        self._entries = entries
        self._lay_out()
        height = self.scrollable_content_region.height
        if not keep_position:
            line = self._last_message if len(self._lines) > height else 0
        self._go_to(line)
        self._repaint(previous)

    def append(self, text: str) -> None:
        """Show more of the last answer.

        Args:
            text: all of its text so far.
        """
        complete = text.rfind("\n") + 1
        if complete > self._complete_characters:
            self._complete += self._wrapped(
                "answer", text[self._complete_characters : complete - 1]
            )
            self._complete_characters = complete
        last = self._wrapped("answer", text[complete:]) if text[complete:] else []
        old, self._lines = self._lines, [*self._above, *self._complete, *last]
        self._repaint_changed(old)
        self._follow(len(old))

    def lay_out(self, width: int) -> Sequence[Content]:
        """All entries, wrapped, with an empty line before each message of the user."""
        lines: list[Content] = []
        for entry in self._entries:
            if entry.kind == "user":
                lines += [Content("")] if lines else []
                self._last_message = len(lines)
            self._above, self._complete, self._complete_characters = list(lines), [], 0
            lines += self._wrapped(entry.kind, entry.text)
        return lines

    def _wrapped(self, kind: str, text: str) -> list[Content]:
        if not text and kind == "answer":
            return []
        if kind == "user":
            return self._user_message(text[:_MAX_MESSAGE])
        return self._lines_of(kind, scrub(text, lines=True))

    def _user_message(self, text: str) -> list[Content]:
        """The first lines of a message, so that there is room for its answer."""
        max_lines = max(2, self.scrollable_content_region.height // 4)
        lines = self._lines_of("user", scrub(text, lines=True))
        if len(lines) > max_lines:
            lines = self._lines_of("user", scrub(text))
        if len(lines) > max_lines:
            last = lines[max_lines - 1].truncate(max(1, self._width - 2)).rstrip()
            lines = [*lines[: max_lines - 1], Content.assemble(last, " …").stylize(_STYLES["user"])]
        return lines

    def _lines_of(self, kind: str, text: str) -> list[Content]:
        content = Content(_MARKS[kind] + text).stylize(_STYLES[kind])
        return content.wrap(max(1, self._width))

    def _repaint_changed(self, old: Sequence[Content]) -> None:
        """Repaint the changed cells of the lines in sight; only changed lines are drawn."""
        first = self.scroll_offset.y
        sight = slice(first, first + self.scrollable_content_region.height)
        for y, before, after in _changed(old[sight], self._lines[sight]):
            self._repaint_line(y, self._drawn(before), self._drawn(after))

    def _follow(self, lines_before: int) -> None:
        """Scroll on where the end was in sight and is not any more."""
        height = self.scrollable_content_region.height
        end = self.scroll_offset.y + height
        line = self.scroll_offset.y
        if lines_before <= end < len(self._lines):
            previous = self._visible_strips()
            self._go_to(len(self._lines) - min(_OVERLAP, height // 2) - 1)
            self._repaint(previous)
        else:
            self._go_to(line)
            self._repaint_mark()

    def _go_to(self, line: int) -> None:
        """Scroll to a line; there may be room below the last one."""
        height = self.scrollable_content_region.height
        line = max(0, min(line, len(self._lines) - 1))
        self.set_reactive(LinePane.virtual_size, Size(0, max(len(self._lines), line + height)))
        self.set_reactive(LinePane.scroll_y, float(line))
        self.set_reactive(LinePane.scroll_target_y, float(line))


def _changed(
    old: Sequence[Content], new: Sequence[Content]
) -> Iterator[tuple[int, Content | None, Content | None]]:
    for y, (before, after) in enumerate(zip_longest(old, new)):
        if before is not after and before != after:
            yield y, before, after
