"""The line above a pane: what it is, and whether the keys go to it."""

from __future__ import annotations

from tui.widgets.live_line import LiveLine

_HERE = "▸ "
_ELSEWHERE = "  "


class PaneTitle(LiveLine):
    """A title with a mark while its pane has the focus."""

    DEFAULT_CSS = """
    PaneTitle { color: $text-muted; }
    PaneTitle.-here { color: $text; text-style: bold; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._words: tuple[str, ...] = ("",)

    def tell(self, *words: str) -> None:
        """Say what the pane is; shorter words follow for where there is less room."""
        self._words = words
        mark = _HERE if self.has_class("-here") else _ELSEWHERE
        self.say(*(f"{mark}{one}" for one in words))

    def mark(self, *, here: bool) -> None:
        """Show whether the pane has the focus."""
        if here != self.has_class("-here"):
            self.set_class(here, "-here")
            self.tell(*self._words)
