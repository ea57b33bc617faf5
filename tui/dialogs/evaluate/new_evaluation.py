"""A new comparison: which test set, which two models, how to score."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Select, Static

from tui.dialogs.form import Form
from tui.domain.evaluation.scorers import SCORERS
from tui.domain.tone import Tone
from tui.services.evaluation.evaluations import EvaluationRequest
from tui.services.evaluation.suggestions import Suggestion
from tui.services.workspace.files import typed_path

_FIELDS = {
    "test": ("Test set", "rows not used in training: chat examples or raw pairs"),
    "base": ("Base model", "the model before tuning"),
    "tuned": ("Tuned model", "its name, as the finished job reports it"),
}
_AUTO = "auto"
_MESSAGE = "#new-evaluation-message"


class NewEvaluation(Form[EvaluationRequest]):
    """The form of a new comparison; returns the request, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back", id="new_evaluation.back"),
        Binding("ctrl+s", "start", "Compare", id="new_evaluation.compare"),
    ]
    DEFAULT_CSS = """
    NewEvaluation .row { margin-bottom: 1; }
    NewEvaluation #new-evaluation-message { height: 2; }
    """

    def __init__(self, suggestion: Suggestion, providers: list[str], default: str) -> None:
        """Fill in the form.

        Args:
            suggestion: values to fill in.
            providers: names of the providers to choose from.
            default: the provider if the suggestion has none.
        """
        super().__init__()
        self._suggestion = suggestion
        self._providers = providers
        chosen = suggestion.provider or default
        self._provider = chosen if chosen in providers else providers[0]

    def compose(self) -> ComposeResult:
        """Three fields, two choices, a description of the scorer, two buttons."""
        with Vertical(classes="dialog -wide"):
            yield Static("New comparison", classes="dialog--title", markup=False)
            for name, (title, hint) in _FIELDS.items():
                with Horizontal(classes="row"):
                    yield from self.field(name, title, getattr(self._suggestion, name), hint)
            with Horizontal(classes="row"):
                yield from self.choice("provider", "Provider", self._providers, self._provider)
            with Horizontal(classes="row"):
                scorer = self._suggestion.scorer
                value = scorer if scorer and scorer in SCORERS else _AUTO
                yield from self.choice("scorer", "Scorer", [_AUTO, *SCORERS], value)
                margin = f"{self._suggestion.margin:g}"
                hint = "the smallest difference that matters"
                yield from self.field("margin", "Margin", margin, hint, second=True)
            yield Static(id="new-evaluation-message", classes="muted", markup=False)
            yield from self.buttons("Compare")

    def on_mount(self) -> None:
        """Focus the first empty field, or the start button."""
        empty = [name for name in _FIELDS if not self.typed(name)]
        self.query_one(f"#{empty[0]}" if empty else "#start").focus()
        self._explain()

    @on(Select.Changed, "#scorer")
    def _explain(self) -> None:
        scorer = SCORERS.get(self.chosen("scorer"))
        about = "json_valid if all expected answers are JSON objects, otherwise exact."
        self.show_message(_MESSAGE, scorer.about if scorer else about)

    def action_start(self) -> None:
        """Return the request, unless a field is empty or the margin is no share."""
        for name, (title, _) in _FIELDS.items():
            if not self.typed(name):
                self.show_message(_MESSAGE, f"{title} is missing.", Tone.BAD)
                self.query_one(f"#{name}").focus()
                return
        scorer = self.chosen("scorer")
        try:
            request = EvaluationRequest(
                test=typed_path(self.typed("test")),
                provider=self.chosen("provider"),
                base=self.typed("base"),
                tuned=self.typed("tuned"),
                scorer=None if scorer == _AUTO else scorer,
                margin=float(self.typed("margin") or 0),
            )
        except ValueError:
            text = "The margin is the smallest difference that matters: from 0 to less than 1."
            self.show_message(_MESSAGE, text, Tone.BAD)
            self.query_one("#margin").focus()
            return
        self.dismiss(request)
