"""The input of a message to a model: enter sends it, up recalls earlier ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from tui.widgets.scrubbed_area import ScrubbedArea


class MessageInput(ScrubbedArea):
    """A message of several lines.

    ctrl+n inserts a new line, as few terminals distinguish shift+enter from enter.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "send", "Send", id="message.send", key_display="⏎", show=False),
        Binding("ctrl+n,shift+enter", "new_line", "Line", id="message.new_line", key_display="^n"),
    ]

    @dataclass
    class Sent(Message):
        """A message is to be sent; call `accept` to clear the input."""

        area: MessageInput
        text: str

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(placeholder="Message (enter to send, ctrl+n for a new line)", id=id)
        self._history: list[str] = []
        self._index = 0
        self._draft = ""

    def accept(self) -> None:
        """Clear the input and add its text to the history."""
        text = self.value
        if self._history[-1:] != [text]:
            self._history.append(text)
        self._index, self._draft = len(self._history), ""
        self.show("")

    def on_key(self, event: events.Key) -> None:
        """Send on enter; here, so that quick keys keep their order."""
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self.action_send()

    def action_send(self) -> None:
        """Post the message, unless it is blank."""
        if self.text.strip():
            self.post_message(self.Sent(self, self.value))

    def action_new_line(self) -> None:
        """Insert a new line."""
        self.replace("\n", *self.selection)

    def action_cursor_up(self, select: bool = False) -> None:
        """Move up a line; from the first line, recall the previous message."""
        if select or self._line_on_screen > 0:
            super().action_cursor_up(select)
        else:
            self._recall(self._index - 1)

    def action_cursor_down(self, select: bool = False) -> None:
        """Move down a line; from the last line, recall the next message."""
        if select or self._line_on_screen < self.wrapped_document.height - 1:
            super().action_cursor_down(select)
        else:
            self._recall(self._index + 1)

    @property
    def _line_on_screen(self) -> int:
        return self.wrapped_document.location_to_offset(self.cursor_location).y

    def _recall(self, index: int) -> None:
        if not 0 <= index <= len(self._history):
            return
        if self._index == len(self._history):
            self._draft = self.value
        self._index = index
        self.show(self._history[index] if index < len(self._history) else self._draft)
