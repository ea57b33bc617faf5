"""The base of dialogs with several fields: labels, inputs, messages, two buttons."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.suggester import Suggester
from textual.widgets import Button, Input, Label, Select, Static

from tui.dialogs.dialog import Dialog
from tui.domain.text import preview, scrub
from tui.domain.tone import Tone

Answer = TypeVar("Answer")


class Form(Dialog[Answer | None], Generic[Answer]):
    """Asks for several values; returns the answer, or None if cancelled.

    Enter in a field and the button `#start` submit; the button `#back` cancels.
    """

    DEFAULT_CSS = """
    Form .row { height: 1; }
    Form .row Label { width: 16; color: $text-muted; }
    Form .row > Label.-second { width: 14; padding-left: 2; }
    Form .row Input, Form .row Select { width: 1fr; }
    """

    @abstractmethod
    def action_start(self) -> None:
        """Return the answer, if nothing is missing."""

    def field(
        self, name: str, title: str, value: object = None, hint: str = "", *, second: bool = False
    ) -> ComposeResult:
        """A label and an input.

        Args:
            name: id of the input.
            title: text of the label.
            value: initial value.
            hint: placeholder.
            second: whether it follows another field on the same line.
        """
        yield Label(title, classes="-second" if second else "")
        shown = "" if value is None else scrub(str(value))
        yield Input(shown, placeholder=hint, compact=True, id=name)

    def choice(
        self, name: str, title: str, choices: Iterable[str], value: str, *, second: bool = False
    ) -> ComposeResult:
        """A label and a select; the arguments are those of `field`."""
        yield Label(title, classes="-second" if second else "")
        options = [(preview(choice, 40), choice) for choice in choices]
        yield Select(options, value=value, allow_blank=False, compact=True, id=name)

    def buttons(self, start: str) -> ComposeResult:
        """The buttons that cancel and submit."""
        with Horizontal(classes="dialog--buttons"):
            yield Button("Back (esc)", id="back", compact=True)
            yield Button(f"{start} (ctrl+s)", id="start", variant="primary", compact=True)

    def typed(self, name: str) -> str:
        """The value of an input, stripped."""
        return self.query_one(f"#{name}", Input).value.strip()

    def chosen(self, name: str) -> str:
        """The value of a select."""
        return str(self.query_one(f"#{name}", Select).value)

    def suggest(self, name: str, suggester: Suggester) -> None:
        """Complete what is typed into an input."""
        self.query_one(f"#{name}", Input).suggester = suggester

    def show_message(self, selector: str, message: str, tone: Tone = Tone.NONE) -> None:
        """Show a message, which is scrubbed, in a line of the form."""
        label = self.query_one(selector, Static)
        label.set_classes("muted" if tone is Tone.NONE else tone.value)
        label.update(Content(scrub(message, lines=True)))

    @on(Input.Submitted)
    @on(Button.Pressed, "#start")
    def _go(self) -> None:
        self.action_start()

    @on(Button.Pressed, "#back")
    def _leave(self) -> None:
        self.dismiss(None)
