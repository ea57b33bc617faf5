"""Scrolling lines of text: laid out for a width, drawn on demand, repainted where they change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from tui.widgets.changed_cells import changed_span
from tui.widgets.scroll_mark import marked_line, with_mark


class LinePane(ScrollView, can_focus=True):
    """Scrubbed lines of one screen line each; `lay_out` returns them for a width.

    Lines are drawn when they become visible, so a long text costs no more than what is seen of it.
    Scrolling moves by at least half a page, as each step repaints all visible lines, and repaints
    only the changed cells: SSH carries each. A mark in the last column shows the position.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "page(-0.5)", "Up", show=False, id="pane.up"),
        Binding("down,j", "page(0.5)", "Down", show=False, id="pane.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="pane.page_up"),
        Binding("pagedown,space", "page(1)", "Page down", show=False, id="pane.page_down"),
        Binding("home,g", "top", "Top", show=False, id="pane.top"),
        Binding("end,G", "end", "End", show=False, id="pane.end"),
    ]
    DEFAULT_CSS = """
    LinePane {
        height: 1fr; overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 0;
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._lines: Sequence[Content] = ()
        self._width = 0
        self._mark: int | None = None

    def lay_out(self, width: int) -> Sequence[Content]:
        """The lines for a width in cells; longer ones are cut."""
        raise NotImplementedError

    @property
    def lines(self) -> Sequence[Content]:
        """The lines as laid out now."""
        return self._lines

    def relayout(self) -> None:
        """Lay out the content again and scroll to its top."""
        before = self._visible_strips()
        self._lay_out()
        self.set_reactive(LinePane.scroll_y, 0.0)
        self.set_reactive(LinePane.scroll_target_y, 0.0)
        self._repaint(before)

    def on_resize(self) -> None:
        """Lay out again if the width changed."""
        if self._text_width != self._width:
            self._lay_out()
        self._mark = self._marked_line()
        self.refresh()

    @property
    def _text_width(self) -> int:
        """Cells for the text: all but the one for the mark."""
        return max(0, self.scrollable_content_region.width - 1)

    def _lay_out(self) -> None:
        self._width = self._text_width
        self._lines = self.lay_out(self._width) if self._width else ()
        # Assigning `virtual_size` would lay out and repaint the whole screen.
        self.set_reactive(LinePane.virtual_size, Size(0, len(self._lines)))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Repaint the changed cells in place of everything."""
        if round(old_value) != round(new_value):
            self._repaint(self._visible_strips(round(old_value)))

    def _visible_strips(self, top: int | None = None) -> list[Strip]:
        top = self.scroll_offset.y if top is None else top
        return [self._strip(top + y) for y in range(self.scrollable_content_region.height)]

    def _repaint(self, before: Sequence[Strip]) -> None:
        for y, (old, new) in enumerate(zip(before, self._visible_strips(), strict=True)):
            self._repaint_line(y, old, new)
        self._repaint_mark()

    def _repaint_line(self, y: int, old: Strip, new: Strip) -> None:
        begin, end = changed_span(old, new)
        if begin < end:
            self.refresh(Region(begin, y, end - begin, 1))

    def _repaint_mark(self) -> None:
        before, self._mark = self._mark, self._marked_line()
        if before != self._mark:
            lines = (before, self._mark)
            cells = [Region(self._text_width, y, 1, 1) for y in lines if y is not None]
            self.refresh(*cells)

    def _marked_line(self) -> int | None:
        height = self.scrollable_content_region.height
        return marked_line(height, self.scroll_offset.y, len(self._lines))

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        strip = self._strip(self.scroll_offset.y + y)
        width = self.scrollable_content_region.width
        return with_mark(strip, width, self.rich_style, marked=y == self._mark)

    def _strip(self, line: int) -> Strip:
        return self._drawn(self._lines[line] if line < len(self._lines) else None)

    def _drawn(self, line: Content | None) -> Strip:
        """A line as drawn; None is the blank below the last line."""
        width = self._text_width
        if line is None:
            return Strip.blank(width, self.rich_style)
        strips = Visual.to_strips(self, line, width, 1, self.visual_style)
        strip = strips[0] if strips else Strip.blank(0)  # none without room
        return strip.adjust_cell_length(width, self.rich_style)

    def action_page(self, by: float) -> None:
        """Scroll by pages; a line of the previous page stays visible."""
        page = max(1, self.scrollable_content_region.height - 1)
        self.scroll_to(y=self.scroll_offset.y + round(by * page), animate=False)

    def action_top(self) -> None:
        """Scroll to the first line."""
        self.scroll_to(y=0, animate=False)

    def action_end(self) -> None:
        """Scroll to the last line."""
        self.scroll_to(y=self.max_scroll_y, animate=False)
