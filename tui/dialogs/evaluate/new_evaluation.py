"""A new comparison: which test set, which two models, how to score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Select, Static

from tui.dialogs.form import Form
from tui.domain.evaluation.case_set import describe_rows
from tui.domain.evaluation.scorers import SCORERS
from tui.domain.text import plural
from tui.domain.tone import Tone
from tui.services.errors import FtuiError
from tui.services.evaluation.evaluations import EvaluationRequest, Evaluations
from tui.services.evaluation.suggestions import Suggestion
from tui.services.workspace.files import typed_path

_FIELDS = {
    "test": ("Test set", "rows not used in training, with expected answers"),
    "base": ("Base model", "the model before tuning"),
    "tuned": ("Tuned model", "its name, as the finished job reports it"),
}
_AUTO = "auto"
_KEEP, _LEAVE_OUT = "keep", "leave out"
_BY_NAME = "found by its name"
_MESSAGE = "#new-evaluation-message"


class NewEvaluation(Form[EvaluationRequest]):
    """The form of a new comparison; returns the request, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back", id="new_evaluation.back"),
        Binding("ctrl+s", "start", "Compare", id="new_evaluation.compare"),
    ]
    DEFAULT_CSS = """
    NewEvaluation #new-evaluation-rows { height: 6; margin-top: 1; }
    NewEvaluation #new-evaluation-message { height: 2; margin-top: 1; }
    """

    @dataclass
    class RowsChecked(Message):
        """The test set was read; `text` is what to know about it."""

        text: str
        tone: Tone = Tone.NONE

    def __init__(
        self,
        evaluations: Evaluations,
        suggestion: Suggestion,
        providers: list[str],
        default: str,
    ) -> None:
        """Fill in the form.

        Args:
            evaluations: reads the test set.
            suggestion: values to fill in.
            providers: names of the providers to choose from.
            default: the provider if the suggestion has none.
        """
        super().__init__()
        self._evaluations = evaluations
        self._suggestion = suggestion
        self._providers = providers
        chosen = suggestion.provider or default
        self._provider = chosen if chosen in providers else providers[0]

    def compose(self) -> ComposeResult:
        """The fields and choices, what to know about rows and scorer, two buttons."""
        with Vertical(classes="dialog -wide"):
            yield Static("New comparison", classes="dialog--title", markup=False)
            for name, (title, hint) in _FIELDS.items():
                with Horizontal(classes="row"):
                    yield from self.field(name, title, getattr(self._suggestion, name), hint)
            with Horizontal(classes="row"):
                given = self._suggestion
                yield from self.field("input", "Question column", given.input, _BY_NAME)
                yield from self.field("expected", "Answer", given.expected, _BY_NAME, second=True)
            with Horizontal(classes="row"):
                yield from self.choice("provider", "Provider", self._providers, self._provider)
                trained = _LEAVE_OUT if given.leave_out_trained else _KEEP
                choices = (_KEEP, _LEAVE_OUT)
                yield from self.choice("trained", "Trained on", choices, trained, second=True)
            with Horizontal(classes="row"):
                scorer = self._suggestion.scorer
                value = scorer if scorer and scorer in SCORERS else _AUTO
                yield from self.choice("scorer", "Scorer", [_AUTO, *SCORERS], value)
                margin = f"{self._suggestion.margin:g}"
                hint = "the smallest difference that matters"
                yield from self.field("margin", "Margin", margin, hint, second=True)
            yield Static(id="new-evaluation-rows", classes="muted", markup=False)
            yield Static(id="new-evaluation-message", classes="muted", markup=False)
            yield from self.buttons("Compare")

    def on_mount(self) -> None:
        """Focus the first empty field, or the start button."""
        empty = [name for name in _FIELDS if not self.typed(name)]
        self.query_one(f"#{empty[0]}" if empty else "#start").focus()
        self._explain()
        self._check()

    @on(Input.Blurred)
    @on(Select.Changed, "#trained, #provider")
    def _check(self) -> None:
        if self.typed("test"):
            self._check_rows(self._request(margin=0.0))

    @work(exclusive=True, group="rows", exit_on_error=False)
    async def _check_rows(self, request: EvaluationRequest) -> None:
        try:
            test_set = await self._evaluations.read_test_set(request)
        except FtuiError as error:
            self.post_message(self.RowsChecked(str(error), Tone.BAD))
        else:
            lines = [f"{plural(len(test_set.cases), 'case')}.", *describe_rows(test_set)]
            self.post_message(self.RowsChecked("\n".join(lines)))

    @on(RowsChecked)
    def _show_rows(self, message: RowsChecked) -> None:
        self.show_message("#new-evaluation-rows", message.text, message.tone)

    @on(Select.Changed, "#scorer")
    def _explain(self) -> None:
        scorer = SCORERS.get(self.chosen("scorer"))
        about = "By the expected answers: json_fields, numeric, label, else similar."
        self.show_message(_MESSAGE, scorer.about if scorer else about)

    def action_start(self) -> None:
        """Return the request, unless a field is empty or the margin is no share."""
        for name, (title, _) in _FIELDS.items():
            if not self.typed(name):
                self.show_message(_MESSAGE, f"{title} is missing.", Tone.BAD)
                self.query_one(f"#{name}").focus()
                return
        try:
            request = self._request(margin=float(self.typed("margin") or 0))
        except ValueError:
            text = "The margin is the smallest difference that matters: from 0 to less than 1."
            self.show_message(_MESSAGE, text, Tone.BAD)
            self.query_one("#margin").focus()
            return
        self.dismiss(request)

    def _request(self, margin: float) -> EvaluationRequest:
        """The request as far as it is filled in.

        Raises:
            ValueError: the margin is out of range.
        """
        scorer = self.chosen("scorer")
        return EvaluationRequest(
            test=typed_path(self.typed("test")),
            input=self.typed("input") or None,
            expected=self.typed("expected") or None,
            leave_out_trained=self.chosen("trained") == _LEAVE_OUT,
            provider=self.chosen("provider"),
            base=self.typed("base"),
            tuned=self.typed("tuned"),
            scorer=None if scorer == _AUTO else scorer,
            margin=margin,
        )
