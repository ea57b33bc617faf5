"""Write the good rows to a new file: its name, the system prompt, the split, what to leave out."""

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
from tui.domain.loop import Tone
from tui.domain.rows.formats import Format
from tui.domain.rows.problems import KINDS
from tui.domain.text import number, plural, preview, scrub
from tui.domain.validation import first_error
from tui.services.checking.findings import Counts
from tui.services.workspace.files import typed_path
from tui.services.writing.write_request import WriteRequest, left_out_of
from tui.widgets.check_list import CheckList
from tui.widgets.line_table import Column

_COLUMNS = [
    Column("leave out rows with", 22),
    Column("rows", 11, right=True),
    Column("what it is"),
]
_SEED = 7


class WriteFile(Dialog[WriteRequest | None]):
    """Asks what to write; gives the request, or None. The write button is always in sight."""

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
    WriteFile #write-file-word { height: 3; }
    WriteFile #write-file-keys { width: 1fr; color: $text-muted; }
    """

    @dataclass
    class Looked(Message):
        """What stands at the path that was typed; `wanted` where it shall be written to."""

        typed: str
        standing: PathState
        wanted: bool

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
        """Offer to write.

        Args:
            source: the file that is open; it stays as it is.
            kind: its format.
            counts: how many of its rows are good.
            quality: rows with each warning, by code; any of them can be left out.
            out: the name that is offered.
            request: what was asked for before and could not be written, to be changed.
            failure: why it could not be; told until something is changed.
        """
        super().__init__()
        self._source = source
        self._kind = kind
        self._counts = counts
        self._warned = sorted(quality.items(), key=lambda pair: (-pair[1], pair[0]))
        self._offered = request or WriteRequest(out=out, seed=_SEED, leave_out=left_out_of(kind))
        self._failure = failure
        self._standing = PathState()

    def compose(self) -> ComposeResult:
        """The fields, the warnings, what will be written, two buttons."""
        offered = self._offered
        with Vertical(classes="dialog -wide"):
            title = f"Write a new file of {preview(self._source.name, 50)}"
            yield Static(title, classes="dialog--title", markup=False)
            with Horizontal(classes="row"):
                yield Label("New file")
                yield Input(scrub(str(offered.out)), compact=True, id="out")
            with Horizontal(classes="row"):
                yield Label("System prompt")
                hint = "for rows that bring none; may be empty"
                yield Input(offered.system, placeholder=hint, compact=True, id="system")
            with Horizontal(classes="row", id="shares"):
                yield Label("Validation")
                yield Input(
                    _percent(offered.validation), placeholder="none", compact=True, id="validation"
                )
                yield Label("Test", classes="-next")
                yield Input(_percent(offered.test), placeholder="none", compact=True, id="test")
                yield Label("Seed", classes="-next")
                yield Input(str(offered.seed), max_length=18, compact=True, id="seed")
            if self._warned:
                yield self._warnings()
            yield Static(id="write-file-word", markup=False)
            with Horizontal(classes="dialog--buttons"):
                keys = "enter next  space ticks" if self._warned else "enter next"
                yield Static(keys, id="write-file-keys", markup=False)
                yield Button("Back (esc)", id="back", compact=True)
                yield Button("Write (ctrl+s)", id="write", variant="primary", compact=True)

    def _warnings(self) -> CheckList:
        rows = [[code, number(count), KINDS[code].what] for code, count in self._warned]
        ticked = [i for i, (code, _) in enumerate(self._warned) if code in self._offered.leave_out]
        return CheckList(_COLUMNS, rows, ticked)

    def on_mount(self) -> None:
        """Start with the name."""
        self.query_one("#out").focus()
        self._look(self._value("out"), wanted=False)
        self._tell()

    @on(Input.Changed, "#out")
    def _other_name(self) -> None:
        self._standing = PathState()
        self._look(self._value("out"), wanted=False)

    @on(Input.Changed)
    @on(CheckList.Changed)
    def _other_answer(self) -> None:
        self._tell()

    @on(Button.Pressed, "#back")
    def _leave(self) -> None:
        self.dismiss(None)

    @on(Input.Submitted)
    @on(CheckList.RowSelected)
    def _next(self) -> None:
        self.focus_next()

    @on(Button.Pressed, "#write")
    def action_write(self) -> None:
        """Give the request, if it is one and its name is free to be written to."""
        reason, request = self._read()
        if request is None:
            self._say(reason, Tone.BAD)
        else:
            self._look(self._value("out"), wanted=True)

    @work(exclusive=True, group="look", exit_on_error=False)
    async def _look(self, typed: str, *, wanted: bool) -> None:
        """Look at what stands at the path; a slow disk never stops the keys."""
        standing = await inspect_output(self._path(typed), self._source)
        self.post_message(self.Looked(typed, standing, wanted))

    def on_write_file_looked(self, message: Looked) -> None:
        """Tell what was found, or write."""
        if message.typed != self._value("out"):
            return
        self._standing = message.standing
        _, request = self._read()
        if message.wanted and request:
            self.dismiss(request)
        else:
            self._tell()

    def _tell(self) -> None:
        reason, request = self._read()
        if request is None:
            self._say(reason, Tone.BAD)
        elif self._failure and request == self._offered:
            self._say(self._failure, Tone.BAD)
        else:
            self._say(self._forecast(request), Tone.NONE)

    def _read(self) -> tuple[str, WriteRequest | None]:
        """The request, or the sentence that says what is wrong."""
        typed = self._value("out")
        if reason := self._reason_against(typed):
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

    def _reason_against(self, typed: str) -> str:
        if not self._counts.valid:
            return "No row of the file is good: there is nothing to write."
        if not typed:
            return "Give the new file a name."
        if typed.endswith("/"):
            return "Give the name of a file in this folder."
        return self._standing.reason

    def _left_out(self) -> frozenset[str]:
        lists = self.query(CheckList)
        ticked = lists.first().ticked if lists else ()
        return frozenset(self._warned[i][0] for i in ticked)

    def _forecast(self, request: WriteRequest) -> str:
        """What will be written, counted where that is certain, told as about where it is not."""
        left_out = [count for code, count in self._warned if code in request.leave_out]
        rows = max(0, self._counts.valid - sum(left_out))
        validation, test = (round(rows * share) for share in (request.validation, request.test))
        about = "About " if left_out else ""
        parts = [f"{about}{plural(rows - validation - test, 'row')} to train on"]
        parts += [f"{number(validation)} to validate"] if validation else []
        parts += [f"{number(test)} to test"] if test else []
        rejected = self._counts.rows - rows
        kept = f", {number(rejected)} rejected with their reasons" if rejected else ""
        asks = " The file exists: you are asked first." if self._standing.exists else ""
        return f"{', '.join(parts)}{kept}; a manifest beside them. The source stays as it is.{asks}"

    def _path(self, typed: str) -> Path:
        """The path; the one that was offered as it is, also where it cannot be shown as it is."""
        offered = self._offered.out
        return offered if typed == scrub(str(offered)) else typed_path(typed)

    def _value(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    def _say(self, sentence: str, tone: Tone) -> None:
        word = self.query_one("#write-file-word", Static)
        word.set_classes("muted" if tone is Tone.NONE else tone.value)
        mark = "" if tone is Tone.NONE else f"{tone.glyph} "
        word.update(Content(mark + scrub(sentence)), layout=False)


def _share(typed: str, title: str) -> float:
    """A share as a person types it: `10%`, `0.1`, or nothing.

    Raises:
        ValueError: it is none, with a sentence that says so.
    """
    figure = typed.removesuffix("%").strip()
    try:
        value = float(figure or 0) / (100 if typed.endswith("%") else 1)
    except ValueError:
        value = math.nan
    if 0 <= value < 1:
        return value
    raise ValueError(f"{title}: {preview(typed, 20)} is no share of the rows; give 10% or 0.1.")


def _percent(share: float) -> str:
    return f"{share * 100:g}%" if share else ""
