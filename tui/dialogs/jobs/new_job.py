"""The form for a new fine-tuning job, with its forecast."""

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
from tui.domain.providers.kinds import ServerKind
from tui.domain.submission.job_request import JobRequest
from tui.domain.text import preview, scrub
from tui.domain.tone import Tone
from tui.services.container import Services
from tui.services.errors import FtuiError
from tui.services.providers.known_models import known_models

_METHODS = (AUTO, "supervised", "dpo")
_LORA = (AUTO, "yes", "no")
_SHOWN_MODELS = 4
_ENDS = "tuned models are shut down with it."


class NewJob(Form[JobRequest]):
    """The form. Its fields scroll on a small terminal; the buttons do not."""

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
        """Models to suggest for a provider."""

        models: list[str]

    def __init__(
        self,
        services: Services,
        path: Path | None = None,
        request: JobRequest | None = None,
        validation: Path | None = None,
    ) -> None:
        """Create the form.

        Args:
            services: for defaults, checks and forecasts.
            path: preset training file.
            request: an earlier request to start from.
            validation: preset validation file.
        """
        super().__init__()
        self._services = services
        self._earlier = request
        self._preset = form_values(request) if request else {}
        self._preset |= {"training_file": str(path)} if path else {}
        self._preset |= {"validation_file": str(validation)} if validation else {}
        self._preset.setdefault("model", services.settings.model)
        self._unscrubbed = {scrub(text).strip(): text for text in self._preset.values()}
        self._models: list[str] = []

    def compose(self) -> ComposeResult:
        """The fields, help on the focused one, the forecast, two buttons."""
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
        return "Rerun with changes" if self._earlier else "New fine-tuning job"

    def _row(self, *names: str) -> ComposeResult:
        with Horizontal(classes="row", id=f"row-{names[0]}"):
            for column, name in enumerate(names):
                field, second = FIELDS[name], column > 0
                if name in TYPED:
                    value = self._preset.get(name)
                    yield from self.field(name, field.title, value, field.hint, second=second)
                else:
                    choices = self._choices(name)
                    value = self._preset.get(name, self._default(name))
                    value = value if value in choices else choices[0]
                    yield from self.choice(name, field.title, choices, value, second=second)

    def _choices(self, name: str) -> list[str]:
        if name == "provider":
            return self._services.providers.names
        return [*(_METHODS if name == "method" else _LORA)]

    def _default(self, name: str) -> str:
        return self._services.settings.provider if name == "provider" else AUTO

    def on_mount(self) -> None:
        """Focus the training file, or the start button if it is preset."""
        self.query_one("#start" if "training_file" in self._preset else "#training_file").focus()
        self._provider_changed()
        self._explain("training_file")

    @on(DescendantFocus)
    def _focused(self, event: DescendantFocus) -> None:
        self._explain(event.widget.id)

    @on(Select.Changed, "#provider")
    def _provider_changed(self) -> None:
        """Show the fields that the provider supports."""
        self.query_one("#row-lora").display = self._server.hyperparameter("lora") is not None
        self._find_models(self.chosen("provider"))
        self._changed()

    @on(Input.Changed)
    @on(Select.Changed)
    def _changed(self) -> None:
        """Evaluate the changed form."""
        self._explain(self.focused.id if self.focused else None)
        self._update_forecast()

    def action_start(self) -> None:
        """Return the request, if nothing blocks it."""
        try:
            request = self._read()
        except FieldError as error:
            self.query_one(JobForecast).show_message(str(error), Tone.BAD)
        else:
            self.dismiss(request)

    @property
    def _server(self) -> ServerKind:
        return self._services.providers.server(self.chosen("provider"))

    def _read(self) -> JobRequest:
        """Read the request.

        Raises:
            FieldError: a value is invalid, or the files block it.
        """
        values = self._values()
        if self._server.hyperparameter("lora") is None:
            values |= {"lora": "", "lora_r": ""}
        request = read_request(values, self._server, self._earlier)
        if blocker := self.query_one(JobForecast).blocker(request):
            raise FieldError(blocker)
        return request

    def _values(self) -> dict[str, str]:
        """The values of the fields; scrubbed presets are mapped back."""
        values = {name: self.typed(name) if name in TYPED else self.chosen(name) for name in FIELDS}
        return {name: self._unscrubbed.get(value, value) for name, value in values.items()}

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
            models = []  # only suggestions are lost
        self.post_message(self.ModelsKnown(models))

    @on(ModelsKnown)
    def _suggest_models(self, message: ModelsKnown) -> None:
        self._models = message.models
        self.suggest("model", SuggestFromList(message.models, case_sensitive=False))
        if self.focused and self.focused.id == "model":
            self._explain("model")

    def _explain(self, name: str | None) -> None:
        """Show the help of a field."""
        if name is None or name not in FIELDS:
            return
        special = {"model": self._about_model, "more": self._about_more}
        self.show_message(
            "#new-job-about", special[name]() if name in special else FIELDS[name].about
        )

    def _about_model(self) -> str:
        """The shutdown date of the model, if known; else suggestions."""
        probe = self._services.probing.last(self.chosen("provider"))
        today = date.fromtimestamp(self._services.jobs.now())
        for model in probe.models if probe else ():
            if model.id == self.typed("model") and (ends := model.end_label(today)):
                return f"{FIELDS['model'].about} It {ends[0].removeprefix('! ')}: {_ENDS}"
        known = ", ".join(preview(model, 40) for model in self._models[:_SHOWN_MODELS])
        suggestions = f" Known: {known}. → accepts a suggestion." if known else ""
        return f"{FIELDS['model'].about}{suggestions}"

    def _about_more(self) -> str:
        """The help of the hyperparameter being typed, else the names of those that match."""
        last = self.typed("more").replace(",", " ").split(" ")[-1].partition("=")[0]
        known = self._server.hyperparameter(last)
        if known:
            return f"{known.name}: {known.about}."
        others = [
            hyperparameter.name
            for hyperparameter in self._server.hyperparameters
            if hyperparameter.name not in ("lora", "lora_r")
            and hyperparameter.name.startswith(last)
        ]
        if not others:
            return FIELDS["more"].about
        return f"name=value; further hyperparameters: {', '.join(others)}"

    @on(JobForecast.Changed)
    def _update_forecast(self) -> None:
        """Show the first blocker, or the forecast."""
        forecast = self.query_one(JobForecast)
        try:
            forecast.check_files(*local_files(self._values(), self._earlier))
            forecast.show(self._read())
        except FieldError as error:
            forecast.show_message(
                str(error), Tone.BAD if self.typed("training_file") else Tone.NONE
            )
