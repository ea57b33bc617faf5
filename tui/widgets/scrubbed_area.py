"""A text area for text that may come from data."""

from __future__ import annotations

from textual import events
from textual.widgets import TextArea

from tui.domain.text import scrub


class ScrubbedArea(TextArea):
    """A text area that scrubs its text, which would reach the terminal as it is.

    `value` is the original text until it is edited.
    """

    DEFAULT_CSS = "ScrubbedArea { height: 3; border: none; padding: 0 1; }"

    def __init__(
        self,
        text: str = "",
        *,
        placeholder: str = "",
        id: str | None = None,  # noqa: A002 - Textual's name for it
    ) -> None:
        """Create an area.

        Args:
            text: unscrubbed text.
            placeholder: shown while it is empty.
            id: the widget's id.
        """
        self._original = text
        super().__init__(
            _scrubbed(text),
            placeholder=placeholder,
            compact=True,
            highlight_cursor_line=False,
            id=id,
        )
        # A blinking cursor is sent twice a second.
        self.cursor_blink = False

    @property
    def value(self) -> str:
        """The original text, or the edited one."""
        return self._original if self.text == _scrubbed(self._original) else self.text

    def show(self, text: str) -> None:
        """Replace the text and put the cursor at its end."""
        self._original = text
        self.load_text(_scrubbed(text))
        self.move_cursor(self.document.end)

    def on_paste(self, event: events.Paste) -> None:
        """Paste the text scrubbed."""
        event.prevent_default()
        event.stop()
        self.replace(_scrubbed(event.text), *self.selection)


def _scrubbed(text: str) -> str:
    """The text scrubbed, except tabs, which the area draws as spaces."""
    return "\t".join(scrub(part, lines=True) for part in text.split("\t"))
