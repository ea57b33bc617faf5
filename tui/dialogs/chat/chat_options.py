"""The settings of a chat: system prompt, temperature, length, seed, test set."""

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

_MAX_TEMPERATURE = 2.0
_FIELDS = {
    "temperature": ("Temperature", "0 to 2; 0 always takes the most likely token"),
    "max_tokens": ("Max tokens", "per answer"),
    "seed": ("Seed", "leave empty for the server's choice"),
    "test": ("Test set", "optional: its rows can be asked with ctrl+t"),
}


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """The result of the dialog.

    Attributes:
        test: the file to take questions from; None for none.
    """

    settings: ChatSettings
    test: Path | None = None


class EditChatOptions(Dialog[ChatOptions | None]):
    """Edits the options; returns them, or None if cancelled."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back", id="chat_options.back"),
        Binding("ctrl+s", "apply", "Apply", id="chat_options.apply"),
    ]
    DEFAULT_CSS = """
    EditChatOptions .row { height: 1; margin-top: 1; }
    EditChatOptions Label { width: 14; color: $text-muted; }
    EditChatOptions Input { width: 1fr; }
    EditChatOptions ScrubbedArea { height: 5; background: $background; }
    EditChatOptions #chat-options-problem { height: 1; margin-top: 1; }
    """

    def __init__(self, options: ChatOptions) -> None:
        """Show the current options."""
        super().__init__()
        self._options = options

    def compose(self) -> ComposeResult:
        """The system prompt, four fields, the problem, two buttons."""
        settings = self._options.settings
        values = {
            "temperature": f"{settings.temperature:g}",
            "max_tokens": str(settings.max_tokens),
            "seed": "" if settings.seed is None else str(settings.seed),
            "test": scrub(str(self._options.test or "")),
        }
        with Vertical(classes="dialog -wide"):
            yield Static("Chat settings", classes="dialog--title", markup=False)
            yield Label("System prompt")
            yield ScrubbedArea(settings.system, placeholder="none", id="system")
            for name, (title, hint) in _FIELDS.items():
                with Horizontal(classes="row"):
                    yield Label(title)
                    yield Input(values[name], placeholder=hint, compact=True, id=name)
            yield Static(id="chat-options-problem", classes="bad", markup=False)
            with Horizontal(classes="dialog--buttons"):
                yield Button("Back (esc)", id="back", compact=True)
                yield Button("Apply (ctrl+s)", id="apply", variant="primary", compact=True)

    def on_mount(self) -> None:
        """Focus the system prompt."""
        self.query_one("#system").focus()

    @on(Input.Submitted)
    @on(Button.Pressed, "#apply")
    def _apply(self) -> None:
        self.action_apply()

    @on(Button.Pressed, "#back")
    def _cancel(self) -> None:
        self.dismiss(None)

    def action_apply(self) -> None:
        """Return the options, or show the first problem."""
        temperature = _number(self._value("temperature"))
        tokens, seed, test = (self._value(name) for name in ("max_tokens", "seed", "test"))
        if temperature is None or not 0 <= temperature <= _MAX_TEMPERATURE:
            self._refuse("temperature", "The temperature must be a number from 0 to 2.")
        elif not tokens.isdecimal() or int(tokens) < 1:
            self._refuse("max_tokens", "Max tokens must be a whole number of at least 1.")
        elif seed and not seed.removeprefix("-").isdecimal():
            self._refuse("seed", "The seed must be a whole number or empty.")
        else:
            system = self.query_one("#system", ScrubbedArea).value
            settings = ChatSettings(
                system if system.strip() else "",
                temperature,
                int(tokens),
                int(seed) if seed else None,
            )
            unchanged = test == scrub(str(self._options.test or ""))
            path = self._options.test if unchanged else typed_path(test)
            self.dismiss(ChatOptions(settings, path if test else None))

    def _refuse(self, name: str, sentence: str) -> None:
        self.query_one("#chat-options-problem", Static).update(Content(sentence))
        self.query_one(f"#{name}").focus()

    def _value(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
