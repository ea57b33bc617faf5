"""One line of text that repaints only its changed cells."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui.widgets.changed_cells import changed_span
from tui.widgets.line_table import fit


class LiveLine(Widget):
    """A line whose width does not depend on its text; `text-align: right` is supported."""

    DEFAULT_CSS = "LiveLine { height: 1; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._texts: tuple[str, ...] = ("",)
        self._shown = ""

    @property
    def text(self) -> str:
        """The text shown, cut to the width."""
        return self._shown.strip()

    def show(self, *texts: str) -> None:
        """Show the first text that fits, or the beginning of the last one.

        Args:
            texts: scrubbed, longest first.
        """
        self._texts = texts
        self._draw()

    def on_resize(self) -> None:
        """Choose the text again for the new width."""
        self._draw()

    def render_line(self, y: int) -> Strip:
        """The text in its style."""
        return Strip([Segment(self._fit(self._shown), self.rich_style)])

    def _fit(self, text: str) -> str:
        return fit(text, self.size.width, right=self.styles.text_align == "right")

    def _draw(self) -> None:
        width = self.size.width
        if not width:
            # Not laid out yet; `text` may be read all the same.
            self._shown = self._texts[0]
            return
        fitting = (text for text in self._texts if cell_len(text) <= width)
        before, self._shown = self._shown, self._fit(next(fitting, self._texts[-1]))
        if before != self._shown:
            begin, end = changed_span(Strip([Segment(before)]), Strip([Segment(self._shown)]))
            self.refresh(Region(begin, 0, end - begin, 1))
