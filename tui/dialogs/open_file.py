"""Choose a file: type its path, or pick it from the folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui.domain.text import scrub
from tui.services.path_completion import Candidate, candidates
from tui.services.workspace.files import typed_path


class OpenFile(ModalScreen[Path | None]):
    """A path, and below it the files and folders that match.

    Down goes to the list, tab completes, enter opens a file or enters a folder, esc cancels.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close", id="dialog.close"),
        Binding("tab", "complete", "Complete", priority=True, id="open_file.complete"),
        Binding("down", "to_list", "List", show=False, id="open_file.list"),
    ]
    DEFAULT_CSS = """
    OpenFile OptionList { height: auto; max-height: 10; border: none; padding: 0; }
    OpenFile Input { margin-bottom: 1; }
    """

    @dataclass
    class Listed(Message):
        """The candidates for a typed path."""

        typed: str
        candidates: list[Candidate]

    def __init__(self, start: str = "") -> None:
        """Start with this path typed."""
        super().__init__()
        self._start = start
        self._candidates: list[Candidate] = []

    def compose(self) -> ComposeResult:
        """The path and its candidates."""
        with Vertical(classes="dialog -wide"):
            yield Static("Open a file", classes="dialog--title", markup=False)
            yield Input(self._start, placeholder="path of a training file", compact=True)
            yield OptionList(compact=True)
            yield Static(
                "enter opens  tab completes  ↓ list  esc closes",
                classes="dialog--hint",
                markup=False,
            )

    def on_mount(self) -> None:
        """List the folder."""
        self.query_one(Input).focus()
        self._list(self._start)

    def on_input_changed(self, event: Input.Changed) -> None:
        """List the candidates."""
        self._list(event.value)

    @work(exclusive=True, group="list", exit_on_error=False)
    async def _list(self, typed: str) -> None:
        self.post_message(self.Listed(typed, await candidates(typed)))

    def on_open_file_listed(self, message: Listed) -> None:
        """Show the list."""
        if message.typed != self.query_one(Input).value:
            return
        self._candidates = message.candidates
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options(
            Option(Content(scrub(candidate.name) + ("/" if candidate.is_folder else "")))
            for candidate in message.candidates
        )

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Open the path, or enter the folder."""
        typed = event.value.strip()
        only = self._candidates[0] if len(self._candidates) == 1 else None
        if typed.endswith("/") or not typed:
            self.action_to_list()
        elif only and only.is_folder and only.text.rstrip("/") == typed:
            self._type(only.text)
        else:
            self.dismiss(typed_path(typed))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Open the file, or enter the folder."""
        chosen = self._candidates[event.option_index]
        if chosen.is_folder:
            self._type(chosen.text)
            self.query_one(Input).focus()
        else:
            self.dismiss(typed_path(chosen.text))

    def action_complete(self) -> None:
        """Complete the path as far as all candidates agree."""
        if self._candidates:
            self._type(_common_prefix([candidate.text for candidate in self._candidates]))

    def action_to_list(self) -> None:
        """Focus the list."""
        options = self.query_one(OptionList)
        if self._candidates:
            options.highlighted = 0
            options.focus()

    def _type(self, text: str) -> None:
        field = self.query_one(Input)
        field.value = text
        field.cursor_position = len(text)


def _common_prefix(texts: list[str]) -> str:
    first, last = min(texts), max(texts)
    length = 0
    while length < len(first) and first[length] == last[length]:
        length += 1
    return first[:length]
