"""Ask before an action that is hard to undo."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static


class Confirm(ModalScreen[bool]):
    """A question with two answers; the safe one has the focus. `y`, `n` and esc answer as well."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes", id="confirm.yes"),
        Binding("n,escape", "answer(False)", "No", id="confirm.no"),
        Binding("left,right", "app.focus_next", "Other answer", id="confirm.switch"),
    ]

    def __init__(self, question: str, consequence: str, *, yes: str, no: str = "Keep it") -> None:
        """Ask a question; all texts are scrubbed already.

        Args:
            question: what is about to happen.
            consequence: what would be lost, and what not.
            yes: the label of the dangerous answer, such as "Cancel the job".
            no: the label of the safe answer.
        """
        super().__init__()
        self._question = question
        self._consequence = consequence
        self._yes = yes
        self._no = no

    def compose(self) -> ComposeResult:
        """Question, consequence and two buttons."""
        with Vertical(classes="dialog"):
            yield Static(self._question, markup=False, classes="dialog--title")
            yield Static(self._consequence, markup=False)
            with Horizontal(classes="dialog--buttons"):
                yield Button(f"{self._no} (n)", id="no", variant="primary", compact=True)
                yield Button(f"{self._yes} (y)", id="yes", variant="error", compact=True)

    def on_mount(self) -> None:
        """Focus the safe answer."""
        self.query_one("#no", Button).focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer by button."""
        self.dismiss(event.button.id == "yes")

    def action_answer(self, answer: bool) -> None:
        """Answer by key."""
        self.dismiss(answer)
