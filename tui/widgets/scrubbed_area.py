"""A text of several lines that a person edits, which may come from data."""

from __future__ import annotations

from textual import events
from textual.widgets import TextArea

from tui.domain.text import scrub


class ScrubbedArea(TextArea):
    """A text area that never holds what could steer a terminal: it would be sent there as it is.

    What was put into it and is not edited is given back as it was.
    """

    DEFAULT_CSS = "ScrubbedArea { height: 3; border: none; padding: 0 1; }"

    def __init__(
        self,
        text: str = "",
        *,
        placeholder: str = "",
        id: str | None = None,  # noqa: A002 - Textual's name for it
    ) -> None:
        """Hold a text.

        Args:
            text: foreign text.
            placeholder: what stands there while it is empty.
            id: the widget's id.
        """
        self._given = text
        super().__init__(
            _shown(text),
            placeholder=placeholder,
            compact=True,
            highlight_cursor_line=False,
            id=id,
        )
        # A cursor that blinks is sent twice a second.
        self.cursor_blink = False

    @property
    def value(self) -> str:
        """What was put in, where it is not edited; otherwise what stands there."""
        return self._given if self.text == _shown(self._given) else self.text

    def show(self, text: str) -> None:
        """Replace the text and put the cursor at its end."""
        self._given = text
        self.load_text(_shown(text))
        self.move_cursor(self.document.end)

    def on_paste(self, event: events.Paste) -> None:
        """Take in what was pasted, scrubbed."""
        event.prevent_default()
        event.stop()
        self.replace(_shown(event.text), *self.selection)


def _shown(text: str) -> str:
    """The text scrubbed; tabs stay, as the area draws them as spaces itself."""
    return "\t".join(scrub(part, lines=True) for part in text.split("\t"))
