"""Where a message to a model is written: enter sends it, up brings earlier ones back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from tui.widgets.scrubbed_area import ScrubbedArea


class MessageInput(ScrubbedArea):
    """A message of several lines.

    Enter with shift or alt is told from enter by few terminals, so a new line is ctrl+n.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "send", "Send", key_display="⏎"),
        Binding("ctrl+n,shift+enter", "new_line", "Line", key_display="^n"),
    ]

    @dataclass
    class Sent(Message):
        """A message is to be sent; `accept` it, or it stays where it is."""

        area: MessageInput
        text: str

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(placeholder="A message. Enter sends it, ctrl+n begins a new line.", id=id)
        self._earlier: list[str] = []
        self._place = 0
        self._draft = ""

    def accept(self) -> None:
        """Empty the area and remember what stood there."""
        text = self.value
        if self._earlier[-1:] != [text]:
            self._earlier.append(text)
        self._place, self._draft = len(self._earlier), ""
        self.show("")

    def on_key(self, event: events.Key) -> None:
        """Enter sends in place of a new line; in the order of the keys, however quick they are."""
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self.action_send()

    def action_send(self) -> None:
        """Ask for the message to be sent; one of white space alone is none."""
        if self.text.strip():
            self.post_message(self.Sent(self, self.value))

    def action_new_line(self) -> None:
        """Begin a new line."""
        self.replace("\n", *self.selection)

    def action_cursor_up(self, select: bool = False) -> None:
        """Up a line; from the first one to the message before."""
        if select or self._line_on_screen > 0:
            super().action_cursor_up(select)
        else:
            self._recall(self._place - 1)

    def action_cursor_down(self, select: bool = False) -> None:
        """Down a line; from the last one to the message after."""
        if select or self._line_on_screen < self.wrapped_document.height - 1:
            super().action_cursor_down(select)
        else:
            self._recall(self._place + 1)

    @property
    def _line_on_screen(self) -> int:
        return self.wrapped_document.location_to_offset(self.cursor_location).y

    def _recall(self, place: int) -> None:
        if not 0 <= place <= len(self._earlier):
            return
        if self._place == len(self._earlier):
            self._draft = self.value
        self._place = place
        self.show(self._earlier[place] if place < len(self._earlier) else self._draft)
