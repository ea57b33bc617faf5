"""One line to type a filter in, with a word about what it finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from tui.domain.text import preview, scrub


class FilterLine(Horizontal):
    """Tells each filter as it is typed, none where it cannot be read; enter says that it is it."""

    DEFAULT_CSS = """
    FilterLine { height: 1; padding: 0 1; background: $panel; }
    FilterLine .sign { width: 2; text-style: bold; }
    FilterLine Input { width: 1fr; }
    FilterLine #filter-word { width: auto; max-width: 60%; padding-left: 1; }
    """

    @dataclass
    class Typed(Message):
        """Other rows are wanted.

        Attributes:
            wanted: what the line's `parse` made of the text.
            entered: whether enter was pressed, after which nobody types.
        """

        wanted: Any
        entered: bool

    def __init__(self, parse: Callable[[str], object], example: str) -> None:
        """Make a line with nothing typed.

        Args:
            parse: reads a filter, of an empty text too; raises ValueError with a sentence.
            example: what can be typed, shown while nothing is.
        """
        super().__init__()
        self._parse = parse
        self._example = example

    def compose(self) -> ComposeResult:
        """Sign, text and word."""
        yield Static("/", classes="sign")
        yield Input(placeholder=self._example, compact=True)
        yield Static(id="filter-word", markup=False)

    @property
    def typing(self) -> bool:
        """Whether a filter is being typed."""
        return self.query_one(Input).has_focus

    def begin(self) -> None:
        """Let a person type."""
        self.query_one(Input).focus()

    def clear(self) -> None:
        """Begin with nothing typed; nobody is told."""
        with self.prevent(Input.Changed):
            self.query_one(Input).value = ""

    def say(self, sentence: str, tone: str = "muted") -> None:
        """Say what was found, or what is wrong with what was typed."""
        word = self.query_one("#filter-word", Static)
        word.set_classes(tone)
        word.update(preview(sentence))

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        try:
            self.post_message(self.Typed(self._parse(event.value), entered=False))
        except ValueError as error:
            self.post_message(self.Typed(self._parse(""), entered=False))
            self.say(f"✗ {error}", "bad")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            self.post_message(self.Typed(self._parse(event.value), entered=True))
        except ValueError as error:
            self.notify(scrub(str(error)), severity="warning", markup=False)
