"""Choose the validation and test files that a training file shall not share rows with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Button, Input, Label, Static

from tui.dialogs.dialog import Dialog
from tui.dialogs.path_inspection import inspect_input
from tui.domain.loop import Tone
from tui.domain.text import scrub
from tui.services.path_completion import candidates
from tui.services.workspace.files import typed_path

Others = tuple[Path | None, Path | None]
"""The validation file and the test file."""

_FIELDS = {"validation": "Validation file", "test": "Test file"}


class PathSuggester(Suggester):
    """Completes a path by the first file or folder that begins as typed."""

    async def get_suggestion(self, value: str) -> str | None:
        """What the path could become; None where that cannot be shown as it is."""
        found = (one.text for one in await candidates(value))
        return next((text for text in found if text == scrub(text)), None)


class CompareWith(Dialog[Others | None]):
    """Two paths, either may be empty; gives them, or None to change nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close", id="dialog.close"),
        Binding("ctrl+s", "compare", "Compare", id="compare_with.compare"),
    ]
    DEFAULT_CSS = """
    CompareWith .row { height: 1; margin-bottom: 1; }
    CompareWith Label { width: 17; color: $text-muted; }
    CompareWith Input { width: 1fr; }
    CompareWith #compare-with-word { height: 2; }
    CompareWith #compare-with-keys { width: 1fr; color: $text-muted; }
    """

    @dataclass
    class Looked(Message):
        """Why each file cannot be read; empty where it can."""

        paths: Mapping[str, Path | None]
        reasons: Mapping[str, str]

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
                    shown = "" if given is None else scrub(str(given))
                    yield Input(
                        shown,
                        placeholder="a path; may be empty",
                        suggester=PathSuggester(use_cache=False, case_sensitive=True),
                        compact=True,
                        id=name,
                    )
            yield Static(id="compare-with-word", classes="bad", markup=False)
            with Horizontal(classes="dialog--buttons"):
                yield Static("→ completes  enter next", id="compare-with-keys", markup=False)
                yield Button("Close (esc)", id="close", compact=True)
                yield Button("Compare (ctrl+s)", id="compare", variant="primary", compact=True)

    def on_mount(self) -> None:
        """Start with the validation file."""
        self.query_one("#validation").focus()

    @on(Input.Changed)
    def _other_answer(self) -> None:
        self._say("")

    @on(Input.Submitted, "#validation")
    def _next(self) -> None:
        self.focus_next()

    @on(Button.Pressed, "#close")
    def _close(self) -> None:
        self.dismiss(None)

    @on(Input.Submitted, "#test")
    @on(Button.Pressed, "#compare")
    def action_compare(self) -> None:
        """Give the files, if they can be read and are two."""
        paths = {name: self._path(name) for name in _FIELDS}
        if paths["validation"] and paths["validation"] == paths["test"]:
            self._say("The validation file and the test file are the same.")
        else:
            self._look(paths)

    @work(exclusive=True, group="look", exit_on_error=False)
    async def _look(self, paths: Mapping[str, Path | None]) -> None:
        reasons = {name: (await inspect_input(path)).reason for name, path in paths.items() if path}
        self.post_message(self.Looked(paths, reasons))

    def on_compare_with_looked(self, message: Looked) -> None:
        """Give the files, or say which cannot be read."""
        for name, reason in message.reasons.items():
            if reason:
                self._say(reason)
                self.query_one(f"#{name}").focus()
                return
        self.dismiss((message.paths["validation"], message.paths["test"]))

    def _path(self, name: str) -> Path | None:
        """The path; the one that was given as it is, also where it cannot be shown as it is."""
        typed = self.query_one(f"#{name}", Input).value.strip()
        given = self._given[name]
        if given and typed == scrub(str(given)):
            return given
        return typed_path(typed) if typed else None

    def _say(self, reason: str) -> None:
        word = self.query_one("#compare-with-word", Static)
        word.update(Content(f"{Tone.BAD.glyph} {scrub(reason)}" if reason else ""), layout=False)
