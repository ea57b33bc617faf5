"""One row in full, as a conversation or as JSON, with its problems in place; all is scrubbed."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from tui.domain.rows.formats import Example
from tui.domain.rows.problems import Problem
from tui.widgets.data.conversation import Block, conversation
from tui.widgets.data.row_json import row_json
from tui.widgets.line_pane import LinePane


class ChatView(LinePane):
    """A conversation, or the JSON of a row."""

    DEFAULT_CSS = """
    ChatView { padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._blocks: Sequence[Block] = ()
        self._marked: int | None = None

    @property
    def content(self) -> Content:
        """The whole content."""
        return Content("\n").join(block.content for block in self._blocks)

    def show_example(self, example: Example, problems: Sequence[Problem] = ()) -> None:
        """Show a conversation; both answers of a preference row."""
        self._show(conversation(example, problems))

    def show_json(self, raw: str, problems: Sequence[Problem] = ()) -> None:
        """Show a row as indented JSON, or as it is in the file if it is not JSON."""
        self._show(row_json(raw, problems))

    def clear(self) -> None:
        """Show nothing."""
        self._show(())

    def scroll_to_mark(self) -> None:
        """Scroll to the first problem."""
        height = self.scrollable_content_region.height
        if self._marked is not None and self._marked >= self.scroll_offset.y + height:
            self.scroll_to(y=self._marked - height // 2, animate=False)

    def lay_out(self, width: int) -> Sequence[Content]:
        """The blocks, wrapped."""
        lines: list[Content] = []
        self._marked = None
        for block in self._blocks:
            if block.mark and self._marked is None:
                self._marked = len(lines)
            lines += block.content.wrap(width)
        return lines

    def _show(self, blocks: Sequence[Block]) -> None:
        self._blocks = blocks
        self.relayout()
