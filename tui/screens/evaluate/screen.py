"""The Evaluate screen: is the tuned model better, and on which cases?"""

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
from tui.domain.evaluation.records import CaseProgress, CaseResult, Evaluation, describe_cost
from tui.domain.loop import Mode, StepState
from tui.domain.text import plural, preview, scrub
from tui.domain.tone import Tone
from tui.screens.evaluate.messages import (
    CaseAnswered,
    ComparisonFailed,
    ComparisonFinished,
    ComparisonStarted,
    ComparisonSuggested,
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
from tui.widgets.evaluate.descriptions import comparison_state, facts, fields_line, verdict_sentence
from tui.widgets.evaluate.interval_bar import IntervalBar
from tui.widgets.line_table import LineTable

_EMPTY = """\
The base and the fine-tuned model answer the same test set: rows that were not used in training. \
Each answer is scored against the expected one, and the difference is reported with its 95% \
interval, so that noise is not mistaken for progress.

e or enter starts a comparison. Always evaluate against the base model."""


@dataclass
class RunningComparison:
    """A running comparison."""

    request: EvaluationRequest
    total: int = 0
    reused: int = 0
    scorer: str = ""
    percent: int = -1


class EvaluateScreen(ModeScreen):
    """Step Evaluate of the loop."""

    MODE = Mode.EVALUATE
    CSS_PATH = "screen.tcss"
    AUTO_FOCUS = ""  # the table of cases is not on every page
    HEADLINE_LINES = 4  # the verdict is said in full
    ABOUT = (
        "Compare the fine-tuned with the base model on the same test set, case by case. The "
        "verdict needs a 95% interval clear of zero; regressions are listed first. Every answer is "
        "saved as it arrives, so an interrupted comparison resumes where it stopped."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", key_display="esc", id="evaluate.back"),
        Binding("e,R", "compare", "Compare", key_display="e", id="evaluate.compare"),
        Binding("enter", "compare", "Compare", show=False, id="evaluate.compare_enter"),
        Binding("r", "retry", "Try again", id="evaluate.retry"),
        Binding("r", "show('regressions')", "Worse", id="evaluate.worse"),
        Binding("i", "show('improvements')", "Better", id="evaluate.better"),
        Binding("a", "show('all')", "All", id="evaluate.all"),
        Binding("n", "step(1)", "Next case", show=False, id="evaluate.next_case"),
        Binding("N,p", "step(-1)", "Previous case", show=False, id="evaluate.previous_case"),
        Binding("C", "cancel", "Cancel", id="evaluate.cancel"),
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
        """The result of the last comparison."""
        return comparison_state(await services.evaluations.latest_record())

    def compose_body(self) -> ComposeResult:
        """The empty page, the result, one case, and an error."""
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
        self._show_page("empty")
        self.headline("No comparison yet.")
        self._load()

    def begin(self, request: StepRequested) -> bool:
        """Open the form for the two models of the request."""
        if not isinstance(request, EvaluateRequested):
            return False
        if self.progress:
            self.notify("A comparison is already running; C cancels it.", markup=False)
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
            self.post_message(ComparisonSuggested(suggestion))

    @work(exclusive=True, group="compare", exit_on_error=False)
    async def _compare(self, request: EvaluationRequest) -> None:
        evaluations = self.services.evaluations
        try:
            run = await evaluations.start(request)
            reused = [run.results[number] for number in sorted(run.results)]
            self.post_message(ComparisonStarted(len(run.cases), reused, run.record.scorer))
            start = evaluations.seconds()
            async with aclosing(evaluations.stream_results(run)) as results:
                async for result in results:
                    self.post_message(CaseAnswered(result, evaluations.seconds() - start))
            self.post_message(ComparisonFinished(await evaluations.finish(run)))
        except FtuiError as error:
            self.post_message(ComparisonFailed(error))

    def on_evaluation_loaded(self, message: EvaluationLoaded) -> None:
        """Show the last comparison, unless a new one has started."""
        if message.latest and not self.progress:
            self.record, self.results = message.latest
            self._show_result()

    def on_comparison_suggested(self, message: ComparisonSuggested) -> None:
        """Open the form with the suggestion filled in."""
        self._open_form(message.suggestion)

    def on_comparison_started(self, message: ComparisonStarted) -> None:
        """Show the reused cases and wait for the others."""
        if self.progress:
            self.progress.total, self.progress.reused = message.total, len(message.reused)
            self.progress.scorer = message.scorer
            self.results = message.reused
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
        """Show the error in place of the result."""
        self.post_message(ComparisonFailed(error))

    def on_comparison_failed(self, message: ComparisonFailed) -> None:
        """Show the error; answered cases are already saved."""
        saved = f" {plural(len(self.results), 'case')} saved." if self.progress else ""
        self.progress = None
        self._show_page("problem")
        self.headline("The comparison failed.")
        text = scrub(f"{message.error}{saved}")
        self.query_one("#problem", Static).update(Content(f"{text}\n\nPress r to try again."))
        self.post_state(StepState(Tone.BAD, "comparison failed", "failed"))

    def on_line_table_row_selected(self, message: LineTable.RowSelected) -> None:
        """Open one case."""
        if not self.progress:
            self._show_case()

    def disabled_reason(self, action: str) -> str | None:
        """Why an action is disabled now."""
        name = action.partition("(")[0]
        if name == "cancel":
            return None if self.progress else "No comparison is running."
        if name == "compare" and self.progress:
            return "A comparison is already running; C cancels it."
        if name == "show" and (self.progress or self.page not in ("result", "case")):
            return "No result yet."
        if name == "back" and self.page == "problem":
            return None
        if name in ("step", "back") and self.page != "case":
            return "Open a case first (enter)."
        return None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Show retry only after a failure, and the filters only otherwise."""
        failed = self.page == "problem"
        if (action == "retry" and not failed) or (action == "show" and failed):
            return False
        return super().check_action(action, parameters)

    def action_compare(self) -> None:
        """Open the form of a new comparison."""
        self._suggest()

    def action_retry(self) -> None:
        """Reopen the form of the failed comparison; without one, read the workspace again."""
        request = self.last_request
        if request is None:
            self.on_mount()
        else:
            self._open_form(Suggestion(**request.model_dump(exclude={"max_tokens"})))

    def action_show(self, which: str) -> None:
        """Filter the cases."""
        self.shown = Shown(which)
        self._show_result()

    def action_step(self, by: int) -> None:
        """Go to another case."""
        self.query_one(CaseTable).cursor += by
        self._show_case()

    def action_back(self) -> None:
        """Go back to the cases, or from a failed comparison to the previous one."""
        if self.page == "problem":
            self._show_page("empty")
            self.headline("No comparison yet.")
            self._load()
        else:
            self._show_page("result")

    def action_cancel(self) -> None:
        """Cancel; answered cases stay saved, and the same comparison resumes from there."""
        progress, self.progress = self.progress, None
        self.workers.cancel_group(self, "compare")
        total = progress.total if progress else 0
        self.notify(
            f"Cancelled. {len(self.results)} of {plural(total, 'case')} saved; "
            "the same comparison resumes from there.",
            markup=False,
        )
        self.post_state(comparison_state(self.record))
        self._show_page("empty")
        self.headline("Comparison cancelled.")
        self._load()

    def _open_form(self, suggestion: Suggestion) -> None:
        providers = self.services.providers.names
        default = self.services.settings.provider
        dialog = NewEvaluation(self.services.evaluations, suggestion, providers, default)
        self.app.push_screen(dialog, self._start)

    def _start(self, request: EvaluationRequest | None) -> None:
        if request is None:
            return
        self.last_request = request
        self.progress = RunningComparison(request)
        self.results = []
        self.shown = Shown.ALL
        self._show_page("result")
        names = f"{preview(request.tuned, 60)} with {preview(request.base, 60)}"
        self.headline(f"Comparing {names}")
        for name in ("facts", "fields", "cost"):
            self.query_one(f"#{name}", Static).update("")
        self.query_one(CaseTable).show([])
        self.query_one("#facts", Static).update(Content("Reading the test set…"))
        self._compare(request)

    def _show_running(self, seconds: float) -> None:
        progress = self.progress
        if progress is None:
            return
        done = len(self.results)
        cases = CaseProgress(done, progress.total, done - progress.reused, seconds)
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
        self._show_page("result")
        self.headline(verdict_sentence(record))
        self.query_one("#facts", Static).update(facts(record))
        self.query_one(IntervalBar).show(record.comparison.difference)
        self.query_one(CaseTable).show(arrange(self.results, self.shown))
        self.query_one("#fields", Static).update(Content(fields_line(record)))
        self.query_one("#cost", Static).update(Content(self._last_line(record)))
        self.post_state(comparison_state(record))

    def _last_line(self, record: Evaluation) -> str:
        table = self.query_one(CaseTable)
        if self.shown is Shown.ALL:
            return f"Cost     {describe_cost(record)}"
        return (
            f"Showing  {self.shown.value} only, {len(table.results)} of {len(self.results)}; a: all"
        )

    def _show_case(self) -> None:
        result = self.query_one(CaseTable).chosen
        if result:
            self._show_page("case")
            self.query_one(AnswerDiff).show(result)

    def _show_page(self, page: str) -> None:
        self.page = page
        self.query_one(ContentSwitcher).current = page
        self.query_one("#interval").display = self.progress is None
        focus = {"result": "#cases", "case": "#case"}.get(page)
        self.set_focus(self.query_one(focus) if focus else None)
        self.refresh_bindings()
