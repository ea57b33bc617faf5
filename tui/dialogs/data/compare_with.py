"""Choose the validation and test files to check a training file against for leaks."""

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
from tui.domain.text import scrub
from tui.domain.tone import Tone
from tui.services.path_completion import candidates
from tui.services.workspace.files import typed_path

Others = tuple[Path | None, Path | None]
"""The validation file and the test file."""

_FIELDS = {"validation": "Validation file", "test": "Test file"}


class PathSuggester(Suggester):
    """Completes a path with the first matching file or folder."""

    async def get_suggestion(self, value: str) -> str | None:
        """The completed path; None if there is none that can be shown unscrubbed."""
        texts = (candidate.text for candidate in await candidates(value))
        return next((text for text in texts if text == scrub(text)), None)


class CompareWith(Dialog[Others | None]):
    """Two paths, either may be empty; returns them, or None if cancelled."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close", id="dialog.close"),
        Binding("ctrl+s", "compare", "Compare", id="compare_with.compare"),
    ]
    DEFAULT_CSS = """
    CompareWith .row { height: 1; margin-bottom: 1; }
    CompareWith Label { width: 17; color: $text-muted; }
    CompareWith Input { width: 1fr; }
    CompareWith #compare-with-message { height: 2; }
    CompareWith #compare-with-keys { width: 1fr; color: $text-muted; }
    """

    @dataclass
    class Inspected(Message):
        """Why each file cannot be read; empty if it can."""

        paths: Mapping[str, Path | None]
        reasons: Mapping[str, str]

    def __init__(self, validation: Path | None = None, test: Path | None = None) -> None:
        """Create the dialog with the files of the last comparison."""
        super().__init__()
        self._initial = {"validation": validation, "test": test}

    def compose(self) -> ComposeResult:
        """Two fields, an error, two buttons."""
        with Vertical(classes="dialog -wide"):
            yield Static("Compare with other files", classes="dialog--title", markup=False)
            yield Static(
                "Rows that also appear in these files, exactly or nearly, are reported as leaked: "
                "a score on rows seen in training means nothing.",
                classes="dialog--about",
                markup=False,
            )
            for name, title in _FIELDS.items():
                with Horizontal(classes="row"):
                    yield Label(title)
                    path = self._initial[name]
                    yield Input(
                        "" if path is None else scrub(str(path)),
                        placeholder="a path, or empty",
                        suggester=PathSuggester(use_cache=False, case_sensitive=True),
                        compact=True,
                        id=name,
                    )
            yield Static(id="compare-with-message", classes="bad", markup=False)
            with Horizontal(classes="dialog--buttons"):
                yield Static("→ completes  enter next", id="compare-with-keys", markup=False)
                yield Button("Close (esc)", id="close", compact=True)
                yield Button("Compare (ctrl+s)", id="compare", variant="primary", compact=True)

    def on_mount(self) -> None:
        """Focus the validation file."""
        self.query_one("#validation").focus()

    @on(Input.Changed)
    def _clear_error(self) -> None:
        self._show_error("")

    @on(Input.Submitted, "#validation")
    def _next(self) -> None:
        self.focus_next()

    @on(Button.Pressed, "#close")
    def _close(self) -> None:
        self.dismiss(None)

    @on(Input.Submitted, "#test")
    @on(Button.Pressed, "#compare")
    def action_compare(self) -> None:
        """Return the files, if they are readable and different."""
        paths = {name: self._path(name) for name in _FIELDS}
        if paths["validation"] and paths["validation"] == paths["test"]:
            self._show_error("The validation file and the test file are the same.")
        else:
            self._inspect(paths)

    @work(exclusive=True, group="inspect", exit_on_error=False)
    async def _inspect(self, paths: Mapping[str, Path | None]) -> None:
        reasons = {name: (await inspect_input(path)).reason for name, path in paths.items() if path}
        self.post_message(self.Inspected(paths, reasons))

    def on_compare_with_inspected(self, message: Inspected) -> None:
        """Return the files, or show which cannot be read."""
        for name, reason in message.reasons.items():
            if reason:
                self._show_error(reason)
                self.query_one(f"#{name}").focus()
                return
        self.dismiss((message.paths["validation"], message.paths["test"]))

    def _path(self, name: str) -> Path | None:
        """The path; the initial one unscrubbed if it was not edited."""
        typed = self.query_one(f"#{name}", Input).value.strip()
        path = self._initial[name]
        if path and typed == scrub(str(path)):
            return path
        return typed_path(typed) if typed else None

    def _show_error(self, reason: str) -> None:
        label = self.query_one("#compare-with-message", Static)
        label.update(Content(f"{Tone.BAD.glyph} {scrub(reason)}" if reason else ""), layout=False)
