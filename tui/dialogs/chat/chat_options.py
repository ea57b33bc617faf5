"""How the models of a chat are asked: system prompt, temperature, length, seed, test set."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, Label, Static

from tui.dialogs.dialog import Dialog
from tui.domain.chat.conversation import ChatSettings
from tui.domain.text import scrub
from tui.services.workspace.files import typed_path
from tui.widgets.scrubbed_area import ScrubbedArea

_HOTTEST = 2.0
_FIELDS = {
    "temperature": ("Temperature", "0 to 2; 0 takes the likeliest token each time"),
    "max_tokens": ("Max tokens", "of one answer"),
    "seed": ("Seed", "empty leaves it to the server"),
    "test": ("Test set", "optional: rows to ask, with ctrl+t"),
}


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """What the dialog gives.

    Attributes:
        test: the file that questions are taken from; None for none.
    """

    settings: ChatSettings
    test: Path | None = None


class EditChatOptions(Dialog[ChatOptions | None]):
    """Asks how to ask; gives the options, or None for "changed my mind"."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back"),
        Binding("ctrl+s", "take", "Take"),
    ]
    DEFAULT_CSS = """
    EditChatOptions .row { height: 1; margin-top: 1; }
    EditChatOptions Label { width: 14; color: $text-muted; }
    EditChatOptions Input { width: 1fr; }
    EditChatOptions ScrubbedArea { height: 5; background: $background; }
    EditChatOptions #chat-options-word { height: 1; margin-top: 1; }
    """

    def __init__(self, options: ChatOptions) -> None:
        """Offer what holds now."""
        super().__init__()
        self._options = options

    def compose(self) -> ComposeResult:
        """The system prompt, four fields, what is wrong, two buttons."""
        asked = self._options.settings
        values = {
            "temperature": f"{asked.temperature:g}",
            "max_tokens": str(asked.max_tokens),
            "seed": "" if asked.seed is None else str(asked.seed),
            "test": scrub(str(self._options.test or "")),
        }
        with Vertical(classes="dialog -wide"):
            yield Static("How the models are asked", classes="dialog--title", markup=False)
            yield Label("System prompt")
            yield ScrubbedArea(asked.system, placeholder="none", id="system")
            for name, (title, hint) in _FIELDS.items():
                with Horizontal(classes="row"):
                    yield Label(title)
                    yield Input(values[name], placeholder=hint, compact=True, id=name)
            yield Static(id="chat-options-word", classes="bad", markup=False)
            with Horizontal(classes="dialog--buttons"):
                yield Button("Back (esc)", id="back", compact=True)
                yield Button("Take (ctrl+s)", id="take", variant="primary", compact=True)

    def on_mount(self) -> None:
        """Begin at the system prompt."""
        self.query_one("#system").focus()

    @on(Input.Submitted)
    @on(Button.Pressed, "#take")
    def _go(self) -> None:
        self.action_take()

    @on(Button.Pressed, "#back")
    def _leave(self) -> None:
        self.dismiss(None)

    def action_take(self) -> None:
        """Give the options, or say what is wrong with them."""
        temperature = _number(self._value("temperature"))
        tokens, seed, test = (self._value(name) for name in ("max_tokens", "seed", "test"))
        if temperature is None or not 0 <= temperature <= _HOTTEST:
            self._refuse("temperature", "The temperature is a number from 0 to 2.")
        elif not tokens.isdecimal() or int(tokens) < 1:
            self._refuse("max_tokens", "Max tokens is a whole number from 1 on.")
        elif seed and not seed.removeprefix("-").isdecimal():
            self._refuse("seed", "The seed is a whole number, or empty.")
        else:
            system = self.query_one("#system", ScrubbedArea).value
            settings = ChatSettings(
                system if system.strip() else "",
                temperature,
                int(tokens),
                int(seed) if seed else None,
            )
            shown = scrub(str(self._options.test or ""))
            path = self._options.test if test == shown else typed_path(test)
            self.dismiss(ChatOptions(settings, path if test else None))

    def _refuse(self, name: str, sentence: str) -> None:
        self.query_one("#chat-options-word", Static).update(Content(sentence))
        self.query_one(f"#{name}").focus()

    def _value(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
