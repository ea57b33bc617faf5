"""Write the valid rows to a new file: its name, system prompt, split, rows to leave out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import ValidationError
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Input, Label, Static

from tui.dialogs.dialog import Dialog
from tui.dialogs.path_inspection import PathState, inspect_output
from tui.domain.rows.formats import Format
from tui.domain.rows.problems import KINDS
from tui.domain.text import number, plural, preview, scrub
from tui.domain.tone import Tone
from tui.domain.validation import first_error
from tui.services.checking.findings import Counts
from tui.services.workspace.files import typed_path
from tui.services.writing.write_request import WriteRequest, default_exclusions
from tui.widgets.check_list import CheckList
from tui.widgets.line_table import Column

_COLUMNS = [
    Column("leave out rows with", 22),
    Column("rows", 11, right=True),
    Column("description"),
]
_SEED = 7


class WriteFile(Dialog[WriteRequest | None]):
    """Asks what to write; returns the request, or None. The write button is always visible."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back", id="dialog.close"),
        Binding("ctrl+s", "write", "Write", id="write_file.write"),
    ]
    DEFAULT_CSS = """
    WriteFile .row { height: 1; }
    WriteFile Label { width: 15; color: $text-muted; }
    WriteFile .row > Label.-next { width: 9; padding-left: 3; }
    WriteFile .row > Input { width: 1fr; }
    WriteFile #shares { margin-bottom: 1; }
    WriteFile CheckList { height: auto; max-height: 7; margin-bottom: 1; }
    WriteFile #write-file-message { height: 3; }
    WriteFile #write-file-keys { width: 1fr; color: $text-muted; }
    """

    @dataclass
    class Inspected(Message):
        """The state of the typed path; `confirmed` if it is to be written to."""

        typed: str
        path_state: PathState
        confirmed: bool

    def __init__(
        self,
        source: Path,
        kind: Format,
        counts: Counts,
        quality: Mapping[str, int],
        out: Path,
        request: WriteRequest | None = None,
        failure: str = "",
    ) -> None:
        """Create the dialog.

        Args:
            source: the open file, which is never changed.
            kind: its format.
            counts: of its rows.
            quality: number of rows with each warning, by code; these can be left out.
            out: the suggested name.
            request: the earlier request that failed, to be changed.
            failure: why it failed; shown until something is changed.
        """
        super().__init__()
        self._source = source
        self._kind = kind
        self._counts = counts
        self._warned = sorted(quality.items(), key=lambda pair: (-pair[1], pair[0]))
        self._initial = request or WriteRequest(
            out=out, seed=_SEED, leave_out=default_exclusions(kind)
        )
        self._failure = failure
        self._path_state = PathState()

    def compose(self) -> ComposeResult:
        """The fields, the warnings, a forecast or an error, two buttons."""
        initial = self._initial
        with Vertical(classes="dialog -wide"):
            title = f"Write {preview(self._source.name, 50)} to a new file"
            yield Static(title, classes="dialog--title", markup=False)
            with Horizontal(classes="row"):
                yield Label("New file")
                yield Input(scrub(str(initial.out)), compact=True, id="out")
            with Horizontal(classes="row"):
                yield Label("System prompt")
                hint = "for rows without one; may be empty"
                yield Input(initial.system, placeholder=hint, compact=True, id="system")
            with Horizontal(classes="row", id="shares"):
                yield Label("Validation")
                yield Input(
                    _percent(initial.validation), placeholder="none", compact=True, id="validation"
                )
                yield Label("Test", classes="-next")
                yield Input(_percent(initial.test), placeholder="none", compact=True, id="test")
                yield Label("Seed", classes="-next")
                yield Input(str(initial.seed), max_length=18, compact=True, id="seed")
            if self._warned:
                yield self._warnings()
            yield Static(id="write-file-message", markup=False)
            with Horizontal(classes="dialog--buttons"):
                keys = "enter next  space ticks" if self._warned else "enter next"
                yield Static(keys, id="write-file-keys", markup=False)
                yield Button("Back (esc)", id="back", compact=True)
                yield Button("Write (ctrl+s)", id="write", variant="primary", compact=True)

    def _warnings(self) -> CheckList:
        rows = [[code, number(count), KINDS[code].what] for code, count in self._warned]
        ticked = [i for i, (code, _) in enumerate(self._warned) if code in self._initial.leave_out]
        return CheckList(_COLUMNS, rows, ticked)

    def on_mount(self) -> None:
        """Focus the name."""
        self.query_one("#out").focus()
        self._inspect(self._value("out"), confirmed=False)
        self._show_result()

    @on(Input.Changed, "#out")
    def _name_changed(self) -> None:
        self._path_state = PathState()
        self._inspect(self._value("out"), confirmed=False)

    @on(Input.Changed)
    @on(CheckList.Changed)
    def _answer_changed(self) -> None:
        self._show_result()

    @on(Button.Pressed, "#back")
    def _leave(self) -> None:
        self.dismiss(None)

    @on(Input.Submitted)
    @on(CheckList.RowSelected)
    def _next(self) -> None:
        self.focus_next()

    @on(Button.Pressed, "#write")
    def action_write(self) -> None:
        """Return the request, if it is valid and its path can be written to."""
        reason, request = self._read()
        if request is None:
            self._show_message(reason, Tone.BAD)
        else:
            self._inspect(self._value("out"), confirmed=True)

    @work(exclusive=True, group="inspect", exit_on_error=False)
    async def _inspect(self, typed: str, *, confirmed: bool) -> None:
        """Inspect the path in the background; a slow disk never blocks the keys."""
        path_state = await inspect_output(self._path(typed), self._source)
        self.post_message(self.Inspected(typed, path_state, confirmed))

    def on_write_file_inspected(self, message: Inspected) -> None:
        """Show the result of the inspection, or return the request."""
        if message.typed != self._value("out"):
            return
        self._path_state = message.path_state
        _, request = self._read()
        if message.confirmed and request:
            self.dismiss(request)
        else:
            self._show_result()

    def _show_result(self) -> None:
        reason, request = self._read()
        if request is None:
            self._show_message(reason, Tone.BAD)
        elif self._failure and request == self._initial:
            self._show_message(self._failure, Tone.BAD)
        else:
            self._show_message(self._forecast(request), Tone.NONE)

    def _read(self) -> tuple[str, WriteRequest | None]:
        """An error and no request, or no error and the request."""
        typed = self._value("out")
        if reason := self._name_error(typed):
            return reason, None
        seed = self._value("seed") or str(_SEED)
        if not seed.isdecimal():
            return f"Seed: {preview(seed, 30)} is not a whole number.", None
        try:
            return "", WriteRequest(
                out=self._path(typed),
                system=self.query_one("#system", Input).value,
                validation=_share(self._value("validation"), "Validation"),
                test=_share(self._value("test"), "Test"),
                seed=int(seed),
                leave_out=self._left_out(),
            )
        except ValidationError as error:
            return first_error(error, str.capitalize), None
        except ValueError as error:
            return str(error), None

    def _name_error(self, typed: str) -> str:
        if not self._counts.valid:
            return "The file has no valid rows to write."
        if not typed:
            return "Enter a name for the new file."
        if typed.endswith("/"):
            return "Enter the name of a file in this folder."
        return self._path_state.reason

    def _left_out(self) -> frozenset[str]:
        lists = self.query(CheckList)
        ticked = lists.first().ticked if lists else ()
        return frozenset(self._warned[i][0] for i in ticked)

    def _forecast(self, request: WriteRequest) -> str:
        """What will be written; the counts are approximate if warnings overlap."""
        left_out = [count for code, count in self._warned if code in request.leave_out]
        rows = max(0, self._counts.valid - sum(left_out))
        validation, test = (round(rows * share) for share in (request.validation, request.test))
        about = "About " if left_out else ""
        parts = [f"{about}{plural(rows - validation - test, 'row')} for training"]
        parts += [f"{number(validation)} for validation"] if validation else []
        parts += [f"{number(test)} for testing"] if test else []
        rejected = self._counts.rows - rows
        rest = f", {number(rejected)} rejected with reasons" if rejected else ""
        asks = " The file exists: you will be asked first." if self._path_state.exists else ""
        return f"{', '.join(parts)}{rest}; plus a manifest. The source is not changed.{asks}"

    def _path(self, typed: str) -> Path:
        """The path; the suggested one unscrubbed if it was not edited."""
        out = self._initial.out
        return out if typed == scrub(str(out)) else typed_path(typed)

    def _value(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    def _show_message(self, message: str, tone: Tone) -> None:
        label = self.query_one("#write-file-message", Static)
        label.set_classes("muted" if tone is Tone.NONE else tone.value)
        mark = "" if tone is Tone.NONE else f"{tone.glyph} "
        label.update(Content(mark + scrub(message)), layout=False)


def _share(typed: str, title: str) -> float:
    """Parse a share: `10%`, `0.1`, or nothing.

    Raises:
        ValueError: with a sentence, if it is not one.
    """
    figure = typed.removesuffix("%").strip()
    try:
        value = float(figure or 0) / (100 if typed.endswith("%") else 1)
    except ValueError:
        value = math.nan
    if 0 <= value < 1:
        return value
    raise ValueError(f"{title}: {preview(typed, 20)} is not a share of the rows; enter 10% or 0.1.")


def _percent(share: float) -> str:
    return f"{share * 100:g}%" if share else ""
