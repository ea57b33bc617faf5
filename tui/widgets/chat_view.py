"""One row in full: a conversation or its JSON, problems marked in place, everything scrubbed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from tui.domain.examples import Example
from tui.domain.problems import Problem
from tui.widgets.conversation import Block, conversation
from tui.widgets.row_json import row_json


class ChatView(ScrollView, can_focus=True):
    """One conversation, or the raw text of a row that is none; lays out lines, repaints itself."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False),
        Binding("k", "scroll_up", "Up", show=False),
        Binding("g", "scroll_home", "Top", show=False),
        Binding("G", "scroll_end", "End", show=False),
    ]
    DEFAULT_CSS = """
    ChatView { padding: 0 1; overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._blocks: Sequence[Block] = ()
        self._lines: list[Strip] = []
        self._marked: int | None = None
        self._width = 0

    @property
    def content(self) -> Content:
        """All that can be scrolled to."""
        return Content("\n").join(block.content for block in self._blocks)

    def show_example(self, example: Example, problems: Sequence[Problem] = ()) -> None:
        """Lay out a conversation; both answers of a preference row."""
        self._show(conversation(example, problems))

    def show_json(self, raw: str, problems: Sequence[Problem] = ()) -> None:
        """Show a row as the JSON it is, or as it stands in the file where it is none."""
        self._show(row_json(raw, problems))

    def clear(self) -> None:
        """Show nothing."""
        self._show(())

    def scroll_to_mark(self) -> None:
        """Bring the first problem into sight."""
        height = self.scrollable_content_region.height
        if self._marked is not None and self._marked >= self.scroll_offset.y + height:
            self.scroll_to(y=self._marked - height // 2, animate=False)

    def on_resize(self) -> None:
        """Wrap the lines anew where the width is another one."""
        if self.scrollable_content_region.width != self._width:
            self._lay_out()
            self.refresh()

    def _show(self, blocks: Sequence[Block]) -> None:
        """Show another row, repainting only the lines that differ: SSH carries each."""
        before = self._in_sight()
        self._blocks = blocks
        self._lay_out()
        if self.scroll_offset.y:
            self.scroll_to(y=0, animate=False)
            self.refresh()
            return
        width = self.scrollable_content_region.width
        for y, (old, new) in enumerate(zip_longest(before, self._in_sight())):
            if old != new:
                self.refresh(Region(0, y, width, 1))

    def _in_sight(self) -> list[Strip]:
        first = self.scroll_offset.y
        return self._lines[first : first + self.scrollable_content_region.height]

    def _lay_out(self) -> None:
        region = self.scrollable_content_region
        self._width = region.width
        self._lines, self._marked = [], None
        if not region.width:
            return  # not shown; it is laid out when it gets a size
        for block in self._blocks:
            if block.mark and self._marked is None:
                self._marked = len(self._lines)
            style = self.visual_style
            self._lines += Visual.to_strips(self, block.content, region.width, None, style)
        # In place of `virtual_size = ...`, which lays out and repaints the whole screen: the
        # scrollbar is always there, so nothing but its thumb changes.
        self.set_reactive(ChatView.virtual_size, Size(0, len(self._lines)))
        self.vertical_scrollbar.window_virtual_size = max(len(self._lines), region.height)

    def render_line(self, y: int) -> Strip:
        """One line of the conversation."""
        width = self.scrollable_content_region.width
        line = self.scroll_offset.y + y
        if line >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        return self._lines[line].adjust_cell_length(width, self.rich_style)
