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
from tui.domain.loop import Tone
from tui.services.evaluation.evaluations import EvaluationRequest
from tui.services.evaluation.suggestions import Suggestion
from tui.services.workspace.files import typed_path

_FIELDS = {
    "test": ("Test set", "rows that were not trained on: chat examples or raw pairs"),
    "base": ("Base model", "the model before tuning"),
    "tuned": ("Tuned model", "its name, as the finished job tells it"),
}
_AUTO = "auto"
_WORD = "#new-evaluation-word"


class NewEvaluation(Form[EvaluationRequest]):
    """Asks for a comparison; gives the request, or None. The start button is always in sight."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back"),
        Binding("ctrl+s", "start", "Compare"),
    ]
    DEFAULT_CSS = """
    NewEvaluation .row { margin-bottom: 1; }
    NewEvaluation #new-evaluation-word { height: 2; }
    """

    def __init__(self, suggestion: Suggestion, providers: list[str], default: str) -> None:
        """Offer a comparison.

        Args:
            suggestion: what is known of it already.
            providers: names of the servers that may be asked.
            default: the provider where the suggestion has none.
        """
        super().__init__()
        self._suggestion = suggestion
        self._providers = providers
        chosen = suggestion.provider or default
        self._provider = chosen if chosen in providers else providers[0]

    def compose(self) -> ComposeResult:
        """Three fields, two choices, what the scorer looks at, two buttons."""
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
            yield Static(id="new-evaluation-word", classes="muted", markup=False)
            yield from self.buttons("Compare")

    def on_mount(self) -> None:
        """Begin at the first field that is empty; at the start button where none is."""
        empty = [name for name in _FIELDS if not self.typed(name)]
        self.query_one(f"#{empty[0]}" if empty else "#start").focus()
        self._explain()

    @on(Select.Changed, "#scorer")
    def _explain(self) -> None:
        scorer = SCORERS.get(self.chosen("scorer"))
        about = "json_valid if all expected answers are JSON objects, otherwise exact."
        self.show_message(_WORD, scorer.about if scorer else about)

    def action_start(self) -> None:
        """Give the request, if nothing is missing."""
        for name, (title, _) in _FIELDS.items():
            if not self.typed(name):
                self.show_message(_WORD, f"{title} is missing.", Tone.BAD)
                self.query_one(f"#{name}").focus()
                return
        scorer = self.chosen("scorer")
        self.dismiss(
            EvaluationRequest(
                test=typed_path(self.typed("test")),
                provider=self.chosen("provider"),
                base=self.typed("base"),
                tuned=self.typed("tuned"),
                scorer=None if scorer == _AUTO else scorer,
            )
        )
