"""A new fine-tuning job: what to train on, which model, and how."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import ValidationError
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Select, Static

from tui.domain.job_request import JobRequest
from tui.domain.loop import Tone
from tui.domain.text import plural, preview, scrub
from tui.domain.training_defaults import step_count
from tui.services.container import Services
from tui.services.errors import FtuiError
from tui.services.files import typed_path
from tui.services.training_file import Survey, survey
from tui.settings import LOCAL

_FIELDS = {
    "training_file": ("Training file", "chat examples or pairs, one JSON object a line"),
    "validation_file": ("Validation file", "optional: shows when learning turns into memorising"),
    "model": ("Base model", "a name, a hub id (org/name) or a folder"),
    "epochs": ("Epochs", "auto"),
    "batch_size": ("Batch size", "auto"),
    "suffix": ("Suffix", "optional: part of the tuned model's name"),
    "seed": ("Seed", "optional: a whole number"),
}
_WHOLE = {"epochs": "Epochs", "batch_size": "Batch size", "seed": "Seed"}
_PAIRS = (("epochs", "batch_size"), ("suffix", "seed"))


class NewJob(ModalScreen[JobRequest | None]):
    """Asks for a job; gives the request, or None. The start button is always in sight."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back"),
        Binding("ctrl+s", "start", "Start training"),
    ]
    DEFAULT_CSS = """
    NewJob > Vertical {
        width: 76; max-width: 100%; height: auto; max-height: 100%; dock: none;
        padding: 0 2; background: $surface; border: round $primary;
    }
    NewJob .row { height: 1; margin-bottom: 1; }
    NewJob Label { width: 17; color: $text-muted; }
    NewJob .row > Label.-second { width: 14; padding-left: 3; }
    NewJob Input { width: 1fr; }
    NewJob Select { width: 1fr; }
    NewJob #new-job-title { text-style: bold; margin-bottom: 1; }
    NewJob #new-job-word { height: 2; }
    NewJob #new-job-buttons { height: 1; align-horizontal: right; }
    NewJob #new-job-buttons Button { margin-left: 2; }
    """

    def __init__(
        self,
        services: Services,
        path: Path | None = None,
        request: JobRequest | None = None,
        validation: Path | None = None,
    ) -> None:
        """Offer a job.

        Args:
            services: for the defaults and for a look at the file.
            path: the training file that is offered.
            request: a request that failed, to be changed.
            validation: the validation file that is offered.
        """
        super().__init__()
        self._services = services
        self._offered = request.model_dump(exclude_none=True) if request else {}
        if path:
            self._offered["training_file"] = path
        if validation:
            self._offered["validation_file"] = validation
        self._offered.setdefault("model", services.settings.model)
        self._survey: Survey | None = None

    def compose(self) -> ComposeResult:
        """The fields, a sentence about the file, two buttons."""
        with Vertical():
            yield Static("New fine-tuning job", id="new-job-title")
            for name in ("training_file", "validation_file", "model"):
                with Horizontal(classes="row"):
                    yield from self._field(name)
            with Horizontal(classes="row"):
                yield Label("Provider")
                names = self._services.providers.names
                yield Select(
                    [(preview(name, 40), name) for name in names],
                    value=self._offered.get("provider", self._default_provider()),
                    allow_blank=False,
                    compact=True,
                    id="provider",
                )
            for first, second in _PAIRS:
                with Horizontal(classes="row"):
                    yield from self._field(first)
                    yield from self._field(second, second=True)
            yield Static(id="new-job-word", markup=False)
            with Horizontal(id="new-job-buttons"):
                yield Button("Back (esc)", id="back", compact=True)
                yield Button("Start training (ctrl+s)", id="start", variant="primary", compact=True)

    def _field(self, name: str, *, second: bool = False) -> ComposeResult:
        title, hint = _FIELDS[name]
        yield Label(title, classes="-second" if second else "")
        value = self._offered.get(name)
        shown = "" if value is None else scrub(str(value))
        yield Input(shown, placeholder=hint, compact=True, id=name)

    def _default_provider(self) -> str:
        name = self._services.settings.provider
        return name if name in self._services.providers.names else LOCAL

    def on_mount(self) -> None:
        """Begin at the file, or where one is given at the start button."""
        given = "training_file" in self._offered
        self.query_one("#start" if given else "#training_file").focus()
        self._look()

    @on(Input.Changed, "#training_file")
    def _other_file(self) -> None:
        self._survey = None
        self._look()

    @on(Input.Changed)
    @on(Select.Changed)
    def _other_answer(self) -> None:
        self._tell()

    @on(Input.Submitted)
    @on(Button.Pressed, "#start")
    def _go(self) -> None:
        self.action_start()

    @on(Button.Pressed, "#back")
    def _leave(self) -> None:
        self.dismiss(None)

    def action_start(self) -> None:
        """Give the request, if it is one."""
        reason, request = self._read()
        if request is None:
            self._say(reason, Tone.BAD)
        else:
            self.dismiss(request)

    @work(exclusive=True, group="survey", exit_on_error=False)
    async def _look(self) -> None:
        """Look at the training file, so that its errors are told before the start."""
        given = self._value("training_file")
        if not given:
            self._tell()
            return
        self._say(f"Looking at {given} …", Tone.NONE)
        try:
            self._survey = await survey(_path(given))
        except FtuiError as error:
            self._say(str(error), Tone.BAD)
        else:
            self._tell()

    def _tell(self) -> None:
        """Say what stands against the start, or what it will be."""
        reason, request = self._read()
        if request is None:
            self._say(reason, Tone.BAD if self._value("training_file") else Tone.NONE)
        elif self._survey:
            self._say(self._forecast(self._survey, request), Tone.GOOD)

    def _forecast(self, found: Survey, request: JobRequest) -> str:
        warned = f", {found.warned} with warnings" if found.warned else ""
        rows = plural(found.rows, "row")
        if found.method == "dpo":
            rows = plural(found.rows, "pair of answers", "pairs of answers")
        said = f"{rows}{warned}, no errors"
        if request.provider != LOCAL:
            return f"{said}. The server chooses what is left on auto."
        steps = step_count(found.rows, request.epochs, request.batch_size)
        doubt = "" if request.batch_size else ", fewer on a GPU"
        return f"{said}: {plural(steps, 'step')}{doubt}. It goes on when you close ftui."

    def _read(self) -> tuple[str, JobRequest | None]:
        """The request, or the sentence that says what is missing."""
        if not self._value("training_file"):
            return "Give a training file; the Data screen (2) opens, checks and repairs one.", None
        if self._survey and (reason := self._survey.reason_against()):
            return f"{reason} Repair it on the Data screen (2).", None
        values: dict[str, object] = {"provider": self.query_one("#provider", Select).value}
        for name in _FIELDS:
            given = self._value(name)
            if not given or (given == "auto" and name in ("epochs", "batch_size")):
                continue
            if name in _WHOLE and not given.isdecimal():
                return f"{_WHOLE[name]}: {preview(given, 30)} is not a whole number.", None
            values[name] = _path(given) if name.endswith("_file") else given
        if "model" not in values:
            return "Give a base model.", None
        if self._survey:
            values["method"] = self._survey.method
        try:
            return "", JobRequest.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            title = _FIELDS.get(str(first["loc"][0]), ("Provider", ""))[0]
            return f"{title}: {first['msg'][:1].lower()}{first['msg'][1:]}.", None

    def _value(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    def _say(self, sentence: str, tone: Tone) -> None:
        word = self.query_one("#new-job-word", Static)
        word.set_classes("" if tone is Tone.NONE else tone.value)
        word.update(Content(scrub(sentence)))


def _path(given: str) -> Path:
    return typed_path(given)
