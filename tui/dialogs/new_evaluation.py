"""A new comparison: which test set, which two models, how to score."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Select, Static

from tui.domain.scoring import SCORERS
from tui.domain.text import preview, scrub
from tui.services.evaluations import EvaluationRequest
from tui.services.files import typed_path
from tui.services.suggesting import Suggestion

_FIELDS = {
    "test": ("Test set", "rows that were not trained on: chat examples or raw pairs"),
    "base": ("Base model", "the model before tuning"),
    "tuned": ("Tuned model", "its name, as the finished job tells it"),
}
_AUTO = "auto"


class NewEvaluation(ModalScreen[EvaluationRequest | None]):
    """Asks for a comparison; gives the request, or None. The start button is always in sight."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back"),
        Binding("ctrl+s", "start", "Compare"),
    ]
    DEFAULT_CSS = """
    NewEvaluation .row { height: 1; margin-bottom: 1; }
    NewEvaluation Label { width: 14; color: $text-muted; }
    NewEvaluation Input, NewEvaluation Select { width: 1fr; }
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
                    yield Label(title)
                    given = getattr(self._suggestion, name)
                    shown = "" if given is None else scrub(str(given))
                    yield Input(shown, placeholder=hint, compact=True, id=name)
            with Horizontal(classes="row"):
                yield Label("Provider")
                yield self._select("provider", self._providers, self._provider)
            with Horizontal(classes="row"):
                yield Label("Scorer")
                scorer = self._suggestion.scorer
                value = scorer if scorer and scorer in SCORERS else _AUTO
                yield self._select("scorer", [_AUTO, *SCORERS], value)
            yield Static(id="new-evaluation-word", classes="muted", markup=False)
            with Horizontal(classes="dialog--buttons"):
                yield Button("Back (esc)", id="back", compact=True)
                yield Button("Compare (ctrl+s)", id="start", variant="primary", compact=True)

    def _select(self, name: str, choices: list[str], value: str) -> Select[str]:
        options = [(preview(choice, 40), choice) for choice in choices]
        return Select(options, value=value, allow_blank=False, compact=True, id=name)

    def on_mount(self) -> None:
        """Begin at the first field that is empty; at the start button where none is."""
        empty = [name for name in _FIELDS if not self._value(name)]
        self.query_one(f"#{empty[0]}" if empty else "#start").focus()
        self._explain()

    @on(Select.Changed, "#scorer")
    def _explain(self) -> None:
        scorer = SCORERS.get(str(self.query_one("#scorer", Select).value))
        about = "json_valid if all expected answers are JSON objects, otherwise exact."
        self._say(scorer.about if scorer else about)

    @on(Input.Submitted)
    @on(Button.Pressed, "#start")
    def _go(self) -> None:
        self.action_start()

    @on(Button.Pressed, "#back")
    def _leave(self) -> None:
        self.dismiss(None)

    def action_start(self) -> None:
        """Give the request, if nothing is missing."""
        for name, (title, _) in _FIELDS.items():
            if not self._value(name):
                self._say(f"{title} is missing.", bad=True)
                self.query_one(f"#{name}").focus()
                return
        scorer = str(self.query_one("#scorer", Select).value)
        self.dismiss(
            EvaluationRequest(
                test=typed_path(self._value("test")),
                provider=str(self.query_one("#provider", Select).value),
                base=self._value("base"),
                tuned=self._value("tuned"),
                scorer=None if scorer == _AUTO else scorer,
            )
        )

    def _value(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    def _say(self, sentence: str, *, bad: bool = False) -> None:
        word = self.query_one("#new-evaluation-word", Static)
        word.set_classes("bad" if bad else "muted")
        word.update(Content(scrub(sentence)))
