"""The Decide screen: one question at a time, the verdict so far, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static

from tui.dialogs.confirm import Confirm
from tui.domain.decision.framework import Framework
from tui.domain.decision.verdict import REASON, Answers, Decision, Verdict
from tui.domain.decision.walk import Walk
from tui.domain.loop import NOT_DECIDED, Mode, StepState
from tui.domain.text import plural, scrub
from tui.domain.tone import Tone
from tui.screens.messages import DataRequested
from tui.screens.mode_screen import ModeScreen
from tui.services.container import Services
from tui.services.decision.decisions import SavedDecision
from tui.services.errors import FtuiError
from tui.widgets.decide.decision_view import (
    TONES,
    Choices,
    Leaning,
    SoFar,
    VerdictPage,
    about_choice,
    about_question,
    verdict_line,
)

_SHORT = {
    Verdict.FINE_TUNE: "fine-tune",
    Verdict.DO_NOT: "do not",
    Verdict.NOT_YET: "not yet",
}


class DecideScreen(ModeScreen):
    """Step Decide of the loop."""

    MODE = Mode.DECIDE
    CSS_PATH = "screen.tcss"
    ABOUT = (
        "Find out whether to fine-tune at all. First the reason, then the questions, one at a "
        "time; any answer can be changed at any time, and the verdict so far is always visible. "
        "Verdicts are saved in the workspace."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer('yes')", "Yes", id="decide.yes"),
        Binding("n", "answer('no')", "No", id="decide.no"),
        Binding("u", "answer('unsure')", "Not sure", id="decide.unsure"),
        Binding("left,backspace,escape,h", "back", "Back", key_display="←", id="decide.back"),
        Binding("right,l", "forward", "Next question", show=False, id="decide.next"),
        Binding("v", "verdict", "Verdict", id="decide.verdict"),
        Binding("s", "save", "Save", id="decide.save"),
        Binding("a", "start_over", "New", id="decide.new"),
        Binding("r", "retry", "Try again", id="decide.retry"),
    ]

    @dataclass
    class Loaded(Message):
        """The framework was read, with the last saved decision if there is one."""

        framework: Framework
        saved: SavedDecision | None

    @dataclass
    class Failed(Message):
        """The framework or the saved decisions cannot be read."""

        error: FtuiError

    @dataclass
    class Saved(Message):
        """A decision was written to the workspace."""

        saved: SavedDecision

    walk: Walk | None = None
    saved: SavedDecision | None = None
    page = "loading"

    @classmethod
    async def load_state(cls, services: Services) -> StepState:
        """The last saved decision."""
        saved = await services.decisions.latest()
        if saved is None:
            return NOT_DECIDED
        if saved.decision.open:
            return StepState(
                Tone.BUSY, f"{plural(saved.decision.open, 'question')} open", "started"
            )
        verdict = saved.decision.verdict
        return StepState(TONES[verdict], verdict.value, _SHORT[verdict])

    def compose_body(self) -> ComposeResult:
        """The question with its choices, the answers so far, the verdict, the error."""
        with Horizontal(id="asking"):
            with Vertical(id="question"):
                yield Static(id="about-question", markup=False)
                yield Choices(id="choices")
                yield Static(id="about-choice", markup=False)
                yield Leaning(id="leaning", markup=False)
            yield SoFar(id="so-far", markup=False)
        with VerdictPage(id="verdict"):
            yield Static(markup=False)
        with VerticalScroll(id="problem", classes="empty"):
            yield Static(id="problem-text", markup=False)

    def on_mount(self) -> None:
        """Read the framework."""
        self.action_retry()

    @work(exclusive=True, group="load", exit_on_error=False)
    async def _load(self) -> None:
        try:
            framework = await self.services.decisions.framework()
            saved = await self.services.decisions.latest()
        except FtuiError as error:
            self.post_message(self.Failed(error))
        else:
            self.post_message(self.Loaded(framework, saved))

    @work(exclusive=True, group="save", exit_on_error=False)
    async def _save(self, answers: Answers, decision: Decision) -> None:
        try:
            saved = await self.services.decisions.save(answers, decision)
        except FtuiError as error:
            self.show_error(error)
        else:
            self.post_message(self.Saved(saved))

    def on_decide_screen_loaded(self, message: Loaded) -> None:
        """Start at the first question, or with the saved decision."""
        framework, self.saved = message.framework, message.saved
        answers = self.saved.answers.known_to(framework) if self.saved else None
        walk = Walk.begin(framework, answers)
        self._go(walk, verdict=not walk.open)

    def on_decide_screen_failed(self, message: Failed) -> None:
        """Show the error and how to retry."""
        self._show_page("problem")
        self.headline("The questions cannot be loaded.")
        self.query_one("#problem-text", Static).update(
            Content(f"{scrub(str(message.error))}\n\nPress r to try again.")
        )
        self.post_state(StepState(Tone.BAD, "no questions", "error"))

    def on_decide_screen_saved(self, message: Saved) -> None:
        """Show that the decision is saved."""
        self.saved = message.saved
        if self.page == "verdict" and self.walk:
            self._show_verdict(self.walk)
        else:
            self.notify("Saved in the workspace.", markup=False)
            self.refresh_bindings()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Explain the answer under the cursor."""
        if self.walk and event.option_id:
            about = about_choice(self.walk.framework, self.walk.here, event.option_id)
            self.query_one("#about-choice", Static).update(about)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Give the answer under the cursor."""
        if event.option_id:
            self.action_answer(event.option_id)

    def disabled_reason(self, action: str) -> str | None:
        """Why an action is disabled now."""
        name = action.partition("(")[0]
        if name in ("answer", "back", "forward", "verdict", "save", "start_over", "go_on"):
            if self.walk is None or self.page in ("loading", "problem"):
                return "The questions are not loaded yet."
            return self._disabled_reason(name, self.walk)
        return None

    def _disabled_reason(self, name: str, walk: Walk) -> str | None:
        reasons = {
            ("answer", "verdict"): "This is the verdict; ← goes back to the questions.",
            ("forward", "verdict"): "This is the verdict.",
            ("verdict", "verdict"): "This is the verdict.",
        }
        if (name, self.page) in reasons:
            return reasons[name, self.page]
        if name == "answer" and walk.here == REASON:
            return "Choose the reason with up and down, then press enter."
        if name == "back" and self.page == "asking" and walk.is_first:
            return "This is the first question."
        if name in ("verdict", "save", "start_over") and walk.untouched:
            return "No question is answered yet."
        if name == "save" and self._is_saved(walk):
            return "These answers are already saved."
        return None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Show retry only after a failure."""
        if action == "retry" and self.page != "problem":
            return False
        return super().check_action(action, parameters)

    def action_answer(self, answer: str) -> None:
        """Answer the question; after the last one, show and save the verdict."""
        if self.walk is None:
            return
        walk = self.walk.take(answer)
        self._go(walk, verdict=not walk.open)
        if not walk.open and not self._is_saved(walk):
            self._save(walk.answers, walk.decision)

    def action_back(self) -> None:
        """Go to the previous question, or from the verdict to the last one shown."""
        if self.walk:
            self._go(self.walk if self.page == "verdict" else self.walk.back())

    def action_forward(self) -> None:
        """Go to the next question, or from the last one to the verdict."""
        if self.walk:
            self._go(self.walk.forward(), verdict=self.walk.is_last)

    def action_verdict(self) -> None:
        """Show the verdict on the answers so far."""
        if self.walk:
            self._go(self.walk, verdict=True)

    def action_save(self) -> None:
        """Save the answers so far."""
        if self.walk:
            self._save(self.walk.answers, self.walk.decision)

    def action_start_over(self) -> None:
        """Clear the answers; saved decisions stay."""
        if self.walk is None or self._is_saved(self.walk):
            self._start_over(True)
            return
        question = Confirm(
            "Start over?",
            "The answers on the screen are not saved (s saves them). Saved decisions stay.",
            yes="Start over",
            no="Keep answers",
        )
        self.app.push_screen(question, self._start_over)

    def action_retry(self) -> None:
        """Read the framework."""
        self._show_page("loading")
        self.headline("Reading the questions…")
        self._load()

    def action_go_on(self) -> None:
        """Open the next step, or go to the decisive answer."""
        if self.walk is None:
            return
        decision = self.walk.decision
        if decision.go_to == Mode.DATA.value:
            self.post_message(DataRequested())
        else:
            self._go(self.walk.at(decision.decisive[0]))

    def _start_over(self, yes: bool | None) -> None:
        if yes and self.walk:
            self._go(Walk.begin(self.walk.framework))

    def _go(self, walk: Walk, *, verdict: bool = False) -> None:
        self.walk = walk
        if verdict:
            self._show_verdict(walk)
        else:
            self._show_question(walk)
        self._post_walk_state(walk)

    def _show_question(self, walk: Walk) -> None:
        self._show_page("asking")
        self.headline(f"{walk.step}  {walk.question}".strip())
        about = self.query_one("#about-question", Static)
        about.update(about_question(walk.framework, walk.here))
        choices = self.query_one(Choices)
        choices.show(walk.framework, walk.here, walk.answers.of(walk.here))
        choices.focus()
        self.query_one(SoFar).show(walk)
        self.query_one(Leaning).show(walk)

    def _show_verdict(self, walk: Walk) -> None:
        self._show_page("verdict")
        so_far = "So far: " if walk.open else ""
        self.headline(Content.assemble(so_far, verdict_line(walk.decision)))
        page = self.query_one(VerdictPage)
        page.show(walk, self._saved_text(walk), self._key_hints(walk))
        page.focus()

    def _post_walk_state(self, walk: Walk) -> None:
        verdict = walk.decision.verdict
        if not walk.open:
            self.post_state(StepState(TONES[verdict], verdict.value, _SHORT[verdict]))
        elif walk.untouched:
            self.post_state(NOT_DECIDED)
        else:
            step = walk.step or f"1 of {len(walk.framework.steps)}"
            self.post_state(StepState(Tone.BUSY, f"step {step}", step))

    def _saved_text(self, walk: Walk) -> str:
        if self.saved and self._is_saved(walk):
            return f"Decided on {self.saved.decided_at.astimezone():%Y-%m-%d %H:%M}, saved."
        return "Not saved yet; s saves it."

    def _key_hints(self, walk: Walk) -> str:
        to_data = walk.decision.go_to == Mode.DATA.value
        first = "enter opens Data" if to_data else "enter goes to the decisive answer"
        return f"{first}; ← reviews the answers; a starts over."

    def _show_page(self, page: str) -> None:
        self.page = page
        for name in ("asking", "verdict", "problem"):
            self.query_one(f"#{name}").display = name == page
        self.refresh_bindings()

    def _is_saved(self, walk: Walk) -> bool:
        return self.saved is not None and self.saved.answers == walk.answers
