"""The screen Evaluate: is the tuned model better, and on which cases?"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import ContentSwitcher, Static

from tui.dialogs.evaluate.new_evaluation import NewEvaluation
from tui.domain.evaluation.records import CaseProgress, CaseResult, Evaluation, cost_words
from tui.domain.loop import Mode, StepState, Tone
from tui.domain.text import plural, preview, scrub
from tui.screens.evaluate.messages import (
    CaseAnswered,
    ComparisonBegun,
    ComparisonFailed,
    ComparisonFinished,
    ComparisonOffered,
    EvaluationLoaded,
)
from tui.screens.messages import EvaluateRequested, StepRequested
from tui.screens.mode_screen import ModeScreen
from tui.services.container import Services
from tui.services.errors import FtuiError
from tui.services.evaluation.evaluations import EvaluationRequest
from tui.services.evaluation.suggestions import Suggestion
from tui.services.progress import describe_progress
from tui.widgets.evaluate.case_table import CaseTable, Shown, arrange
from tui.widgets.evaluate.case_view import AnswerDiff
from tui.widgets.evaluate.descriptions import facts, fields_line, standing, verdict_sentence
from tui.widgets.evaluate.interval_bar import IntervalBar
from tui.widgets.line_table import LineTable

_EMPTY = """\
Both models, the base and the fine-tuned one, answer the same test set: rows that were not trained \
on. Each answer is scored against the expected one, and the difference is told with its 95% \
interval, so that luck is not taken for progress.

e or enter starts a comparison. Always evaluate against the base model."""


@dataclass
class RunningComparison:
    """A comparison that runs."""

    request: EvaluationRequest
    total: int = 0
    kept: int = 0
    scorer: str = ""
    percent: int = -1


class EvaluateScreen(ModeScreen):
    """Step Evaluate of the loop."""

    MODE = Mode.EVALUATE
    CSS_PATH = "screen.tcss"
    AUTO_FOCUS = ""  # the table of cases is not on every page
    ABOUT = (
        "Compare the fine-tuned with the base model on the same test set, case by case. The "
        "verdict needs a 95% interval clear of zero; regressions are listed first. Every answer is "
        "kept in the workspace as it comes, so an interrupted comparison goes on where it stopped."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e,R", "compare", "Compare", key_display="e"),
        Binding("enter", "compare", "Compare", show=False),
        Binding("r", "retry", "Try again"),
        Binding("r", "show('regressions')", "Worse"),
        Binding("i", "show('improvements')", "Better"),
        Binding("a", "show('all')", "All"),
        Binding("n", "step(1)", "Next case", show=False),
        Binding("N,p", "step(-1)", "Previous case", show=False),
        Binding("C", "cancel", "Cancel"),
        Binding("escape", "back", "Back", key_display="esc"),
    ]

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self.record: Evaluation | None = None
        self.results: list[CaseResult] = []
        self.shown = Shown.ALL
        self.progress: RunningComparison | None = None
        self.last_request: EvaluationRequest | None = None
        self.page = "empty"

    @classmethod
    async def load_state(cls, services: Services) -> StepState:
        """How the last comparison came out."""
        return standing(await services.evaluations.latest_record())

    def compose_body(self) -> ComposeResult:
        """What an empty screen says; facts and cases; one case; a problem."""
        with ContentSwitcher(initial="empty", id="evaluation"):
            yield Static(_EMPTY, id="empty", classes="empty", markup=False)
            with Vertical(id="result"):
                yield Static(id="facts", markup=False)
                yield IntervalBar(id="interval")
                yield CaseTable(id="cases")
                yield Static(id="fields", markup=False)
                yield Static(id="cost", markup=False)
            yield AnswerDiff(id="case")
            yield Static(id="problem", classes="empty", markup=False)

    def on_mount(self) -> None:
        """Show the last comparison."""
        self._turn_to("empty")
        self.headline("Nothing is compared yet.")
        self._load()

    def begin(self, request: StepRequested) -> bool:
        """Offer to compare the two models that Jobs asks about."""
        if not isinstance(request, EvaluateRequested):
            return False
        if self.progress:
            self.notify("A comparison is running already; C cancels it.", markup=False)
        else:
            self._suggest(request.provider, request.base, request.tuned)
        return True

    @work(exclusive=True, group="load", exit_on_error=False)
    async def _load(self) -> None:
        try:
            self.post_message(EvaluationLoaded(await self.services.evaluations.latest()))
        except FtuiError as error:
            self.post_message(ComparisonFailed(error))

    @work(exclusive=True, group="suggest", exit_on_error=False)
    async def _suggest(self, *models: str) -> None:
        try:
            suggestion = await self.services.evaluations.suggest(*models)
        except FtuiError as error:
            self.post_message(ComparisonFailed(error))
        else:
            self.post_message(ComparisonOffered(suggestion))

    @work(exclusive=True, group="compare", exit_on_error=False)
    async def _compare(self, request: EvaluationRequest) -> None:
        evaluations = self.services.evaluations
        try:
            run = await evaluations.begin(request)
            kept = [run.results[number] for number in sorted(run.results)]
            self.post_message(ComparisonBegun(len(run.cases), kept, run.scorer.name))
            start = evaluations.seconds()
            async with aclosing(evaluations.answers(run)) as results:
                async for result in results:
                    self.post_message(CaseAnswered(result, evaluations.seconds() - start))
            self.post_message(ComparisonFinished(await evaluations.finish(run)))
        except FtuiError as error:
            self.post_message(ComparisonFailed(error))

    def on_evaluation_loaded(self, message: EvaluationLoaded) -> None:
        """Show the last comparison, unless a new one has begun meanwhile."""
        if message.found and not self.progress:
            self.record, self.results = message.found
            self._show_result()

    def on_comparison_offered(self, message: ComparisonOffered) -> None:
        """Ask for the comparison, with what is known filled in."""
        self._ask(message.suggestion)

    def on_comparison_begun(self, message: ComparisonBegun) -> None:
        """Show the kept cases and wait for the others."""
        if self.progress:
            self.progress.total, self.progress.kept = message.total, len(message.kept)
            self.progress.scorer = message.scorer
            self.results = message.kept
            self._show_running(0.0)

    def on_case_answered(self, message: CaseAnswered) -> None:
        """Add one case."""
        if self.progress:
            self.results.append(message.result)
            self._show_running(message.seconds)

    def on_comparison_finished(self, message: ComparisonFinished) -> None:
        """Show the result."""
        self.progress = None
        self.record = message.record
        self.query_one(CaseTable).cursor = 0
        self._show_result()

    def worker_failed(self, error: FtuiError) -> None:
        """Say it where the result would be."""
        self.post_message(ComparisonFailed(error))

    def on_comparison_failed(self, message: ComparisonFailed) -> None:
        """Say why, and how to go on; what was answered is kept."""
        kept = f" {plural(len(self.results), 'case')} kept." if self.progress else ""
        self.progress = None
        self._turn_to("problem")
        self.headline("The comparison could not be made.")
        told = scrub(f"{message.error}{kept}")
        self.query_one("#problem", Static).update(Content(f"{told}\n\nr tries again."))
        self.post_state(StepState(Tone.BAD, "could not compare", "failed"))

    def on_line_table_row_selected(self, message: LineTable.RowSelected) -> None:
        """Open one case."""
        if not self.progress:
            self._show_case()

    def disabled_reason(self, action: str) -> str | None:
        """Why a key does nothing now."""
        name = action.partition("(")[0]
        if name == "cancel":
            return None if self.progress else "No comparison is running."
        if name == "compare" and self.progress:
            return "A comparison is running already; C cancels it."
        if name == "show" and (self.progress or self.page not in ("result", "case")):
            return "There is no result to look through yet."
        if name == "back" and self.page == "problem":
            return None
        if name in ("step", "back") and self.page != "case":
            return "Open a case first (enter)."
        return None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to try again only where something failed, and filters only elsewhere."""
        failed = self.page == "problem"
        if (action == "retry" and not failed) or (action == "show" and failed):
            return False
        return super().check_action(action, parameters)

    def action_compare(self) -> None:
        """Ask for a comparison."""
        self._suggest()

    def action_retry(self) -> None:
        """Offer what failed once more; where nothing was asked, look at the workspace again."""
        asked = self.last_request
        if asked is None:
            self.on_mount()
        else:
            self._ask(Suggestion(**asked.model_dump(exclude={"seed", "max_tokens"})))

    def action_show(self, which: str) -> None:
        """Show some of the cases."""
        self.shown = Shown(which)
        self._show_result()

    def action_step(self, by: int) -> None:
        """Go to another case."""
        self.query_one(CaseTable).cursor += by
        self._show_case()

    def action_back(self) -> None:
        """Back to the cases; from a comparison that failed to the one before."""
        if self.page == "problem":
            self._turn_to("empty")
            self.headline("Nothing is compared yet.")
            self._load()
        else:
            self._turn_to("result")

    def action_cancel(self) -> None:
        """Stop asking; what was answered is kept, and the same comparison goes on from there."""
        progress, self.progress = self.progress, None
        self.workers.cancel_group(self, "compare")
        total = progress.total if progress else 0
        self.notify(
            f"Stopped. {len(self.results)} of {plural(total, 'case')} are kept; "
            "the same comparison goes on from there.",
            markup=False,
        )
        self.post_state(standing(self.record))
        self._turn_to("empty")
        self.headline("The comparison was stopped.")
        self._load()

    def _ask(self, suggestion: Suggestion) -> None:
        providers = self.services.providers.names
        dialog = NewEvaluation(suggestion, providers, self.services.settings.provider)
        self.app.push_screen(dialog, self._start)

    def _start(self, request: EvaluationRequest | None) -> None:
        if request is None:
            return
        self.last_request = request
        self.progress = RunningComparison(request)
        self.results = []
        self.shown = Shown.ALL
        self._turn_to("result")
        names = f"{preview(request.tuned, 60)} with {preview(request.base, 60)}"
        self.headline(f"Comparing {names}")
        for name in ("facts", "fields", "cost"):
            self.query_one(f"#{name}", Static).update("")
        self.query_one(CaseTable).show([])
        self.query_one("#facts", Static).update(Content("Reading the test set …"))
        self._compare(request)

    def _show_running(self, seconds: float) -> None:
        progress = self.progress
        if progress is None:
            return
        done = len(self.results)
        cases = CaseProgress(done, progress.total, done - progress.kept, seconds)
        text = f"▶ {progress.scorer}: {describe_progress(cases)}; C cancels"
        self.query_one("#facts", Static).update(Content(text))
        self.query_one(CaseTable).show(self.results)
        percent = 100 * done // max(1, progress.total)
        if percent != progress.percent:
            progress.percent = percent
            self.post_state(StepState(Tone.BUSY, f"comparing {percent}%", f"{percent}%"))

    def _show_result(self) -> None:
        record = self.record
        if record is None or record.comparison is None:
            return
        self._turn_to("result")
        self.headline(verdict_sentence(record))
        self.query_one("#facts", Static).update(facts(record))
        self.query_one(IntervalBar).show(record.comparison.difference)
        self.query_one(CaseTable).show(arrange(self.results, self.shown))
        self.query_one("#fields", Static).update(Content(fields_line(record)))
        self.query_one("#cost", Static).update(Content(self._last_line(record)))
        self.post_state(standing(record))

    def _last_line(self, record: Evaluation) -> str:
        table = self.query_one(CaseTable)
        if self.shown is Shown.ALL:
            return f"Cost     {cost_words(record)}"
        return (
            f"Showing  {self.shown.value} only, {len(table.results)} of {len(self.results)}; a all"
        )

    def _show_case(self) -> None:
        result = self.query_one(CaseTable).chosen
        if result:
            self._turn_to("case")
            self.query_one(AnswerDiff).show(result)

    def _turn_to(self, page: str) -> None:
        self.page = page
        self.query_one(ContentSwitcher).current = page
        self.query_one("#interval").display = self.progress is None
        focus = {"result": "#cases", "case": "#case"}.get(page)
        self.set_focus(self.query_one(focus) if focus else None)
        self.refresh_bindings()
