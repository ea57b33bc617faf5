"""A new fine-tuning job: what to train on, which model, and how; what it will come to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.events import DescendantFocus
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widgets import Input, Select, Static

from tui.dialogs.form import Form
from tui.dialogs.jobs.forecast import JobForecast
from tui.dialogs.jobs.job_fields import (
    AUTO,
    FIELDS,
    TYPED,
    FieldError,
    form_values,
    local_files,
    read_request,
)
from tui.domain.loop import Tone
from tui.domain.providers.kinds import ServerKind
from tui.domain.submission.job_request import JobRequest
from tui.domain.text import preview, scrub
from tui.services.container import Services
from tui.services.errors import FtuiError
from tui.services.providers.known_models import known_models

_METHODS = (AUTO, "supervised", "dpo")
_LORA = (AUTO, "yes", "no")
_SHOWN_MODELS = 4
_ENDS = "a tuned model ends with its base."


class NewJob(Form[JobRequest]):
    """Asks for a job. The fields scroll where there is little room; the start button never does."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back", id="new_job.back"),
        Binding("ctrl+s", "start", "Start training", id="new_job.start"),
    ]
    DEFAULT_CSS = """
    NewJob > Vertical {
        width: 76; max-width: 100%; height: 23; max-height: 100%;
        padding: 0 2; background: $surface; border: round $primary;
    }
    NewJob #new-job-fields { height: 1fr; scrollbar-size-vertical: 1; }
    NewJob #new-job-title { text-style: bold; }
    NewJob #new-job-about { height: 2; margin-top: 1; }
    NewJob #new-job-word { height: 5; margin-top: 1; }
    NewJob .dialog--buttons { margin-top: 0; }
    NewJob.-cramped #new-job-title { display: none; }
    NewJob.-cramped #new-job-about, NewJob.-cramped #new-job-word { margin-top: 0; height: 3; }
    """

    VERTICAL_BREAKPOINTS = [(0, "-cramped"), (22, "-roomy")]  # noqa: RUF012 - of the base class

    @dataclass
    class ModelsKnown(Message):
        """Names of models that a provider may mean."""

        models: list[str]

    def __init__(
        self,
        services: Services,
        path: Path | None = None,
        request: JobRequest | None = None,
        validation: Path | None = None,
    ) -> None:
        """Offer a job.

        Args:
            services: for the defaults and for looks at the files.
            path: the training file that is offered.
            request: an earlier request, to be changed.
            validation: the validation file that is offered.
        """
        super().__init__()
        self._services = services
        self._earlier = request
        self._offered = form_values(request) if request else {}
        self._offered |= {"training_file": str(path)} if path else {}
        self._offered |= {"validation_file": str(validation)} if validation else {}
        self._offered.setdefault("model", services.settings.model)
        self._meant = {scrub(text).strip(): text for text in self._offered.values()}
        self._models: list[str] = []

    def compose(self) -> ComposeResult:
        """The fields, what the focused one is for, what the job will come to, two buttons."""
        with Vertical():
            yield Static(self._title(), id="new-job-title", markup=False)
            with VerticalScroll(id="new-job-fields", can_focus=False):
                for name in ("training_file", "validation_file", "model"):
                    yield from self._row(name)
                yield from self._row("provider", "method")
                yield from self._row("epochs", "batch_size")
                yield from self._row("learning_rate_multiplier", "beta")
                yield from self._row("lora", "lora_r")
                yield from self._row("more")
                yield from self._row("suffix", "seed")
            yield Static(id="new-job-about", classes="muted", markup=False)
            yield JobForecast(self._services, id="new-job-word")
            yield from self.buttons("Start training")

    def _title(self) -> str:
        return "The same job again, with changes" if self._earlier else "New fine-tuning job"

    def _row(self, *names: str) -> ComposeResult:
        with Horizontal(classes="row", id=f"row-{names[0]}"):
            for place, name in enumerate(names):
                field, second = FIELDS[name], place > 0
                if name in TYPED:
                    value = self._offered.get(name)
                    yield from self.field(name, field.title, value, field.hint, second=second)
                else:
                    choices = self._choices(name)
                    value = self._offered.get(name, self._default(name))
                    value = value if value in choices else choices[0]
                    yield from self.choice(name, field.title, choices, value, second=second)

    def _choices(self, name: str) -> list[str]:
        if name == "provider":
            return self._services.providers.names
        return [*(_METHODS if name == "method" else _LORA)]

    def _default(self, name: str) -> str:
        return self._services.settings.provider if name == "provider" else AUTO

    def on_mount(self) -> None:
        """Begin at the file, or where one is given at the start button."""
        self.query_one("#start" if "training_file" in self._offered else "#training_file").focus()
        self._other_provider()
        self._explain("training_file")

    @on(DescendantFocus)
    def _focused(self, event: DescendantFocus) -> None:
        self._explain(event.widget.id)

    @on(Select.Changed, "#provider")
    def _other_provider(self) -> None:
        """Show what the provider's kind of server has."""
        self.query_one("#row-lora").display = self._server.hyperparameter("lora") is not None
        self._find_models(self.chosen("provider"))
        self._changed()

    @on(Input.Changed)
    @on(Select.Changed)
    def _changed(self) -> None:
        """Look again at what was changed."""
        self._explain(self.focused.id if self.focused else None)
        self._tell()

    def action_start(self) -> None:
        """Give the request, if nothing stands against it."""
        try:
            request = self._read()
        except FieldError as error:
            self.query_one(JobForecast).say(str(error), Tone.BAD)
        else:
            self.dismiss(request)

    @property
    def _server(self) -> ServerKind:
        return self._services.providers.server(self.chosen("provider"))

    def _read(self) -> JobRequest:
        """The request.

        Raises:
            FieldError: there is none, or the files do not go with it.
        """
        values = self._values()
        if self._server.hyperparameter("lora") is None:
            values |= {"lora": "", "lora_r": ""}
        request = read_request(values, self._server, self._earlier)
        if reason := self.query_one(JobForecast).blocker(request):
            raise FieldError(reason)
        return request

    def _values(self) -> dict[str, str]:
        """What stands in the fields; a name that cannot be shown as it is means itself still."""
        values = {name: self.typed(name) if name in TYPED else self.chosen(name) for name in FIELDS}
        return {name: self._meant.get(value, value) for name, value in values.items()}

    @work(exclusive=True, group="models", exit_on_error=False)
    async def _find_models(self, provider: str) -> None:
        try:
            services = self._services
            models = await known_models(
                provider,
                services.settings,
                services.workspace,
                services.providers,
                services.probing,
            )
        except FtuiError:
            models = []  # they are suggestions; whatever is typed is taken
        self.post_message(self.ModelsKnown(models))

    @on(ModelsKnown)
    def _take_models(self, message: ModelsKnown) -> None:
        self._models = message.models
        self.suggest("model", SuggestFromList(message.models, case_sensitive=False))
        if self.focused and self.focused.id == "model":
            self._explain("model")

    def _explain(self, name: str | None) -> None:
        """Say what a field is for."""
        if name is None or name not in FIELDS:
            return
        own = {"model": self._about_model, "more": self._about_more}
        self.show_message("#new-job-about", own[name]() if name in own else FIELDS[name].about)

    def _about_model(self) -> str:
        """When the model ends, where its server told; else the models that are known."""
        probe = self._services.probing.last(self.chosen("provider"))
        today = date.fromtimestamp(self._services.jobs.now())
        for model in probe.models if probe else ():
            if model.id == self.typed("model") and (ends := model.end_label(today)):
                return f"{FIELDS['model'].about} It {ends[0].removeprefix('! ')}: {_ENDS}"
        known = ", ".join(preview(one, 40) for one in self._models[:_SHOWN_MODELS])
        said = f" Known here: {known}. → takes the one suggested." if known else ""
        return f"{FIELDS['model'].about}{said}"

    def _about_more(self) -> str:
        """What the hyperparameter does that is typed last, else which ones there are."""
        last = self.typed("more").replace(",", " ").split(" ")[-1].partition("=")[0]
        known = self._server.hyperparameter(last)
        if known:
            return f"{known.name}: {known.about}."
        others = [
            one.name
            for one in self._server.hyperparameters
            if one.name not in ("lora", "lora_r") and one.name.startswith(last)
        ]
        if not others:
            return FIELDS["more"].about
        return f"name=value, further hyperparameters: {', '.join(others)}"

    @on(JobForecast.Changed)
    def _tell(self) -> None:
        """Say what stands against the start, or what the job will come to."""
        outlook = self.query_one(JobForecast)
        try:
            outlook.look_at(*local_files(self._values(), self._earlier))
            outlook.tell(self._read())
        except FieldError as error:
            outlook.say(str(error), Tone.BAD if self.typed("training_file") else Tone.NONE)
