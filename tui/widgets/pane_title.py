"""The title line of a pane, with a mark while the pane has the focus."""

from __future__ import annotations

from tui.widgets.live_line import LiveLine

_FOCUSED = "▸ "
_NOT_FOCUSED = "  "


class PaneTitle(LiveLine):
    """A title with a mark while its pane has the focus."""

    DEFAULT_CSS = """
    PaneTitle { color: $text-muted; }
    PaneTitle.-here { color: $text; text-style: bold; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._titles: tuple[str, ...] = ("",)

    def show(self, *texts: str) -> None:
        """Show the first title that fits; they are scrubbed, longest first."""
        self._titles = texts
        mark = _FOCUSED if self.has_class("-here") else _NOT_FOCUSED
        super().show(*(f"{mark}{title}" for title in texts))

    def mark(self, *, here: bool) -> None:
        """Show whether the pane has the focus."""
        if here != self.has_class("-here"):
            self.set_class(here, "-here")
            self.show(*self._titles)
