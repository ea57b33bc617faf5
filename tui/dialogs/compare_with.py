"""Choose the validation and test files that a training file shall not share rows with."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Static

from tui.domain.text import scrub
from tui.services.files import typed_path

Others = tuple[Path | None, Path | None]
"""The validation file and the test file."""

_FIELDS = {"validation": "Validation file", "test": "Test file"}


class CompareWith(ModalScreen[Others | None]):
    """Two paths, either may be empty; gives them, or None to change nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close"),
        Binding("ctrl+s", "compare", "Compare"),
    ]
    DEFAULT_CSS = """
    CompareWith .row { height: 1; margin-bottom: 1; }
    CompareWith Label { width: 17; color: $text-muted; }
    CompareWith Input { width: 1fr; }
    CompareWith #compare-with-word { height: 2; }
    """

    def __init__(self, validation: Path | None = None, test: Path | None = None) -> None:
        """Offer the files that are compared with now."""
        super().__init__()
        self._given = {"validation": validation, "test": test}

    def compose(self) -> ComposeResult:
        """Two fields, what is wrong with them, two buttons."""
        with Vertical(classes="dialog -wide"):
            yield Static("Compare with other files", classes="dialog--title", markup=False)
            yield Static(
                "Rows that stand in these files too, or nearly, are told as leaked: a score on "
                "rows that were trained on says nothing.",
                classes="dialog--about",
                markup=False,
            )
            for name, title in _FIELDS.items():
                with Horizontal(classes="row"):
                    yield Label(title)
                    given = self._given[name]
                    yield Input("" if given is None else str(given), compact=True, id=name)
            yield Static(id="compare-with-word", markup=False)
            with Horizontal(classes="dialog--buttons"):
                yield Button("Close (esc)", id="close", compact=True)
                yield Button("Compare (ctrl+s)", id="compare", variant="primary", compact=True)

    def on_mount(self) -> None:
        """Start with the validation file."""
        self.query_one("#validation").focus()

    @on(Button.Pressed, "#close")
    def _close(self) -> None:
        self.dismiss(None)

    @on(Input.Submitted)
    @on(Button.Pressed, "#compare")
    def action_compare(self) -> None:
        """Give the files."""
        validation, test = (self._path(name) for name in _FIELDS)
        self.dismiss((validation, test))

    def _path(self, name: str) -> Path | None:
        typed = self.query_one(f"#{name}", Input).value.strip()
        return typed_path(typed) if typed else None

    def _say(self, sentence: str) -> None:
        word = self.query_one("#compare-with-word", Static)
        word.set_classes("bad")
        word.update(Content(scrub(sentence)))
