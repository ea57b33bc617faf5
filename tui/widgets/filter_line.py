"""A line to type a filter into, with a message about its matches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from tui.domain.text import preview, scrub


class FilterInput(Input):
    """The input; its keys are in the footer while it has the focus."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "Apply", key_display="⏎", id="filter.apply"),
        Binding("escape", "clear", "Clear", key_display="esc", id="filter.clear"),
    ]

    def action_clear(self) -> None:
        """Ask the owner of the line to remove the filter."""
        self.post_message(FilterLine.Cleared())


class FilterLine(Horizontal):
    """Posts the filter as it is typed, an empty one if it is invalid, and again on enter."""

    DEFAULT_CSS = """
    FilterLine { height: 1; padding: 0 1; background: $panel; }
    FilterLine .sign { width: 2; text-style: bold; }
    FilterLine Input { width: 1fr; }
    FilterLine #filter-message { width: auto; max-width: 60%; padding-left: 1; }
    """

    @dataclass
    class Typed(Message):
        """The filter changed.

        Attributes:
            filter: what the line's `parse` made of the text.
            entered: whether enter was pressed, which ends the typing.
        """

        filter: Any
        entered: bool

    class Cleared(Message):
        """Escape was pressed: there is to be no filter."""

    def __init__(self, parse: Callable[[str], object], example: str) -> None:
        """Create an empty line.

        Args:
            parse: parses a filter, of an empty text too; raises ValueError with a sentence.
            example: the placeholder.
        """
        super().__init__()
        self._parse = parse
        self._example = example

    def compose(self) -> ComposeResult:
        """Sign, input and message."""
        yield Static("/", classes="sign")
        yield FilterInput(placeholder=self._example, compact=True)
        yield Static(id="filter-message", markup=False)

    @property
    def typing(self) -> bool:
        """Whether the input has the focus."""
        return self.screen.focused is self.query_one(Input)

    def begin(self) -> None:
        """Focus the input."""
        self.query_one(Input).focus()

    def clear(self) -> None:
        """Empty the input without posting a message."""
        with self.prevent(Input.Changed):
            self.query_one(Input).value = ""

    def show(self, message: str, tone: str = "muted") -> None:
        """Show what the filter matches, or why it cannot be read."""
        label = self.query_one("#filter-message", Static)
        label.set_classes(tone)
        label.update(preview(message))

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        try:
            self.post_message(self.Typed(self._parse(event.value), entered=False))
        except ValueError as error:
            self.post_message(self.Typed(self._parse(""), entered=False))
            self.show(f"✗ {error}", "bad")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            self.post_message(self.Typed(self._parse(event.value), entered=True))
        except ValueError as error:
            self.notify(scrub(str(error)), severity="warning", markup=False)
