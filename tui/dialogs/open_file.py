"""Choose a file: type its path, or pick it from what the folder holds."""

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
    """A path, with the files and folders that begin as typed below it.

    Down goes to the list, tab completes, enter opens a file or enters a folder, esc gives up.
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
    class Found(Message):
        """What begins as typed."""

        typed: str
        found: list[Candidate]

    def __init__(self, start: str = "") -> None:
        """Begin with this much typed."""
        super().__init__()
        self._start = start
        self._found: list[Candidate] = []

    def compose(self) -> ComposeResult:
        """The path, and what it could become."""
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
        """List the folder at once."""
        self.query_one(Input).focus()
        self._look(self._start)

    def on_input_changed(self, event: Input.Changed) -> None:
        """List what begins as typed."""
        self._look(event.value)

    @work(exclusive=True, group="look", exit_on_error=False)
    async def _look(self, typed: str) -> None:
        self.post_message(self.Found(typed, await candidates(typed)))

    def on_open_file_found(self, message: Found) -> None:
        """Show the list."""
        if message.typed != self.query_one(Input).value:
            return
        self._found = message.found
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options(
            Option(Content(scrub(one.name) + ("/" if one.is_folder else "")))
            for one in message.found
        )

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Open the path, or go into the folder."""
        typed = event.value.strip()
        only = self._found[0] if len(self._found) == 1 else None
        if typed.endswith("/") or not typed:
            self.action_to_list()
        elif only and only.is_folder and only.text.rstrip("/") == typed:
            self._type(only.text)
        else:
            self.dismiss(typed_path(typed))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Open the file, or go into the folder."""
        chosen = self._found[event.option_index]
        if chosen.is_folder:
            self._type(chosen.text)
            self.query_one(Input).focus()
        else:
            self.dismiss(typed_path(chosen.text))

    def action_complete(self) -> None:
        """Type as much as all candidates share."""
        if self._found:
            self._type(_shared([one.text for one in self._found]))

    def action_to_list(self) -> None:
        """Go to the list."""
        options = self.query_one(OptionList)
        if self._found:
            options.highlighted = 0
            options.focus()

    def _type(self, text: str) -> None:
        field = self.query_one(Input)
        field.value = text
        field.cursor_position = len(text)


def _shared(texts: list[str]) -> str:
    first, last = min(texts), max(texts)
    same = 0
    while same < len(first) and first[same] == last[same]:
        same += 1
    return first[:same]
