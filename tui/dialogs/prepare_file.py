"""Ask what a conversion to chat needs: the system prompt and the name of the new file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from tui.domain.text import scrub
from tui.services.files import typed_path


@dataclass(frozen=True, slots=True)
class PrepareRequest:
    """What the person wants."""

    system: str
    out: Path


class PrepareFile(ModalScreen[PrepareRequest | None]):
    """System prompt and output file; enter goes on to the next field, esc gives up."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss(None)", "Close")]
    DEFAULT_CSS = "PrepareFile Input { margin-bottom: 1; }"

    def __init__(self, source: Path, kind: str) -> None:
        """Ask for a conversion.

        Args:
            source: the file that is converted.
            kind: its format.
        """
        super().__init__()
        self._source = source
        self._kind = kind

    def compose(self) -> ComposeResult:
        """Two fields and two buttons."""
        name = scrub(self._source.name)
        out = self._source.with_name(f"{self._source.stem}.chat.jsonl")
        with Vertical(classes="dialog -wide"):
            yield Static(f"Make chat rows of {name}", classes="dialog--title", markup=False)
            yield Static(
                f"The {self._kind} rows that are good are written to a new file; the source stays "
                "as it is.",
                classes="dialog--about",
                markup=False,
            )
            yield Static("System prompt, for rows that bring none (may be empty)", markup=False)
            yield Input(id="system", compact=True)
            yield Static("New file", markup=False)
            yield Input(str(out), id="out", compact=True)
            with Horizontal(classes="dialog--buttons"):
                yield Button("Close", id="close", compact=True)
                yield Button("Write it", id="write", variant="primary", compact=True)

    def on_mount(self) -> None:
        """Start with the system prompt."""
        self.query_one("#system", Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go on to the next field, or write."""
        if event.input.id == "system":
            self.query_one("#out", Input).focus()
        else:
            self._write()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Write, or give up."""
        if event.button.id == "write":
            self._write()
        else:
            self.dismiss(None)

    def _write(self) -> None:
        out = self.query_one("#out", Input).value.strip()
        if out:
            path = typed_path(out)
            self.dismiss(PrepareRequest(self.query_one("#system", Input).value, path))
