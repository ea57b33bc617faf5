"""What dialogs share that ask for several things: labelled fields, a sentence, two buttons."""

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
from tui.domain.loop import Tone
from tui.domain.text import preview, scrub

Given = TypeVar("Given")


class Form(Dialog[Given | None], Generic[Given]):
    """Asks for several things; gives the answer, or None for "changed my mind".

    Enter in a field and the button `#start` start; the button `#back` leaves.
    """

    DEFAULT_CSS = """
    Form .row { height: 1; }
    Form .row Label { width: 16; color: $text-muted; }
    Form .row > Label.-second { width: 14; padding-left: 2; }
    Form .row Input, Form .row Select { width: 1fr; }
    """

    @abstractmethod
    def action_start(self) -> None:
        """Give the answer, if nothing is missing."""

    def field(
        self, name: str, title: str, value: object = None, hint: str = "", *, second: bool = False
    ) -> ComposeResult:
        """A label and a line to type into.

        Args:
            name: id of the line.
            title: what it asks for.
            value: what stands in it at first.
            hint: what stands in it while it is empty.
            second: whether it stands beside another.
        """
        yield Label(title, classes="-second" if second else "")
        shown = "" if value is None else scrub(str(value))
        yield Input(shown, placeholder=hint, compact=True, id=name)

    def choice(
        self, name: str, title: str, choices: Iterable[str], value: str, *, second: bool = False
    ) -> ComposeResult:
        """A label and a choice of one of several; the arguments are as of `field`."""
        yield Label(title, classes="-second" if second else "")
        options = [(preview(one, 40), one) for one in choices]
        yield Select(options, value=value, allow_blank=False, compact=True, id=name)

    def buttons(self, start: str) -> ComposeResult:
        """The way back and the way on."""
        with Horizontal(classes="dialog--buttons"):
            yield Button("Back (esc)", id="back", compact=True)
            yield Button(f"{start} (ctrl+s)", id="start", variant="primary", compact=True)

    def typed(self, name: str) -> str:
        """What stands in a line, without blanks around it."""
        return self.query_one(f"#{name}", Input).value.strip()

    def chosen(self, name: str) -> str:
        """What is chosen."""
        return str(self.query_one(f"#{name}", Select).value)

    def suggest(self, name: str, suggester: Suggester) -> None:
        """Complete what is typed in a line."""
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
