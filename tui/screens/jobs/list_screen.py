"""The Jobs screen: a list of all jobs, which it follows, also for the screen of one job."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import ContentSwitcher, Static

from tui.dialogs.providers import ProviderList
from tui.domain.jobs.comparison import MAX_RUNS
from tui.domain.jobs.status import loop_step
from tui.domain.jobs.view import JobView
from tui.domain.loop import StepState
from tui.domain.submission.job_request import JobRequest
from tui.screens.chat.screen import ChatScreen
from tui.screens.glyphs import draws_glyphs
from tui.screens.jobs.actions import JobActions
from tui.screens.jobs.board import LIST_SECONDS, JobBoard, Key
from tui.screens.jobs.comparison_screen import RunComparisonScreen
from tui.screens.jobs.following import JobFollowing
from tui.screens.jobs.job_list import JobList
from tui.screens.jobs.job_screen import JobScreen
from tui.screens.jobs.starting import JobStarting
from tui.screens.jobs.steering import JobSteering
from tui.screens.messages import ChatRequested, JobNoticed, StepRequested, TrainRequested
from tui.services.container import Services

_TICK_SECONDS = 5.0


class JobsScreen(JobStarting, JobFollowing, JobSteering):
    """Step Jobs of the loop."""

    ABOUT = (
        "Start fine-tuning jobs and watch them. A job continues when ftui is closed; its history "
        "is kept in the workspace and shown even without a server."
    )
    CSS_PATH = "jobs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n,t", "new_job", "New", id="jobs.new", key_display="n"),
        *JobActions.JOB_BINDINGS,
        Binding("slash", "filter", "Filter", id="jobs.filter", key_display="/"),
        Binding("space", "mark", "Mark to compare", id="jobs.mark", show=False),
        Binding(
            "equals_sign",
            "compare",
            "Compare marked jobs",
            id="jobs.compare",
            key_display="=",
            show=False,
        ),
        Binding("escape", "all_jobs", "All jobs", id="jobs.all", show=False),
        Binding("r", "refresh", "Refresh", id="jobs.refresh", show=False),
        Binding("P", "providers", "Providers", id="jobs.providers", show=False),
    ]

    def __init__(self, services: Services) -> None:
        super().__init__(services, JobBoard())
        self._job: JobScreen | None = None
        self._to_open: Key | None = None
        self._state: StepState | None = None

    @classmethod
    async def load_state(cls, services: Services) -> StepState:
        """The state of the recorded jobs.

        Raises:
            FileError: a log cannot be read.
        """
        return loop_step(await services.jobs.recorded())

    def compose_body(self) -> ComposeResult:
        """The list, or a text where it is empty."""
        with ContentSwitcher(initial="jobs-empty", id="jobs-body"):
            yield Static("", id="jobs-empty", classes="empty", markup=False)
            yield JobList(self.board, ascii_only=not draws_glyphs(self.services))

    def on_mount(self) -> None:
        """Load the jobs, and refresh the lists periodically."""
        self._draw()
        self.load()
        self.recover_jobs()
        self.set_interval(_TICK_SECONDS, self._tick)
        self.set_interval(LIST_SECONDS, self._list_again)

    def on_screen_resume(self) -> None:
        """Show what has changed; jobs may have been started elsewhere, too."""
        self._draw()
        if self.board.listed_at is not None:
            self._list_again()
        if self._to_open:
            self._open(self._to_open)
        self.offer_refused_jobs()

    def begin(self, request: StepRequested) -> bool:
        """Open the form for a job on the file that Data has open, or a chat with a tuned model."""
        if isinstance(request, TrainRequested):
            self.offer_job(request.path, validation=request.validation)
        elif isinstance(request, ChatRequested):
            self.app.push_screen(ChatScreen(self.services, request))
        return True

    def add_job(self, view: JobView, *, opened: bool) -> None:
        """Add a new job to the list, and open it where it was just started."""
        self.board.update_list([view])
        self.follow_new_jobs()
        if opened:
            self._open((view.provider, view.id))
        self._draw()

    def on_job_list_opened(self, message: JobList.Opened) -> None:
        """Open a job of the list."""
        self._open(message.key)

    def on_job_list_selection_changed(self) -> None:
        """The available actions depend on the job under the cursor, the headline on the filter."""
        self._show_headline(self.services.jobs.now())
        self.update_reasons()

    def offer_rerun(self, request: JobRequest) -> None:
        """Open the form with an earlier request."""
        self.offer_job(None, request)

    def action_filter(self) -> None:
        """Open the filter input."""
        self._list.begin_filter()

    def action_all_jobs(self) -> None:
        """Show all jobs again."""
        self._list.end_filter()

    def action_mark(self) -> None:
        """Mark or unmark the job under the cursor for comparison."""
        self._list.mark()
        self.refresh_bindings()

    def action_compare(self) -> None:
        """Show the marked jobs side by side."""
        keys = self._list.marked
        self.app.push_screen(RunComparisonScreen(self.services, self.board, keys))
        for key in keys:
            self.load_ended_job(key)

    def action_new_job(self) -> None:
        """Open the form for a new job."""
        self.offer_job(None)

    def action_providers(self) -> None:
        """Show the providers: which are ready, what each cannot do, its models."""
        self.app.push_screen(ProviderList(self.services.providers, self.services.probing))

    def action_refresh(self) -> None:
        """Poll the servers now, and follow lost jobs again."""
        self.board.lost.clear()
        self.poll_now()
        self._list_again()
        self.follow_new_jobs()
        self._draw()

    def selected_job(self) -> JobView | None:
        """The job under the cursor."""
        key = self._list.selected_key()
        return self.board.views[key] if key else None

    def disabled_reason(self, action: str) -> str | None:
        """Why an action cannot be done now."""
        if action == "filter" and not self.board.order:
            return "There are no jobs to filter yet."
        if action == "mark" and not self.board.order:
            return "There are no jobs to mark yet."
        if action == "compare" and not 2 <= len(self._list.marked) <= MAX_RUNS:
            return "Mark two to six jobs with space first."
        if action == "all_jobs" and not self._list.filtering:
            return "All jobs are shown."
        return super().disabled_reason(action)

    @property
    def open_job(self) -> Key | None:
        """The job shown on a screen of its own."""
        return self._job.key if self._job else None

    @property
    def in_sight(self) -> bool:
        """Whether the list or one of its jobs is shown."""
        return self.is_seen or bool(self._job and self._job.is_seen)

    def _open(self, key: Key) -> None:
        """Open one job, at once or when this step is shown again."""
        self._to_open = None
        if self._job:
            self._job.show(key)
        elif self.is_seen:
            self._job = JobScreen(self.services, self.board, key, self)
            self.app.push_screen(self._job, self._on_job_closed)
        else:
            self._to_open = key
        self.update_poll_priorities()
        self.load_ended_job(key)

    def load_ended_job(self, key: Key) -> None:
        """Fetch an ended job, which is no longer followed."""
        if self.board.views[key].terminal and key not in self.board.connections:
            self.follow(key)

    def _on_job_closed(self, _: None) -> None:
        self._job = None
        self.update_poll_priorities()
        self._draw()

    def _list_again(self) -> None:
        if self.in_sight:
            self.load()

    def _tick(self) -> None:
        """Update the ages."""
        if self.in_sight:
            self._draw()

    def redraw(self) -> None:
        """Show the current state."""
        self._draw()

    def _draw(self) -> None:
        """Show the current state; only what differs is repainted."""
        if not self.app.is_running:
            return  # while the app closes, widgets go before their screen
        now = self.services.jobs.now()
        state = loop_step(self.board.in_order())
        if state != self._state:
            self._state = state
            self.post_state(state)
        for notice in self.board.take_notices(now):
            self.post_message(JobNoticed(notice))
        if self._job and self._job.is_mounted:
            if self._job.is_seen:
                self._job.draw()
        elif self.is_seen:
            self._draw_list(now)
            self.update_reasons()

    def _draw_list(self, now: float) -> None:
        self._list.draw(now)
        switcher = self.query_one(ContentSwitcher)
        has_jobs = bool(self.board.order)
        pane = "jobs-list-pane" if has_jobs else "jobs-empty"
        if switcher.current != pane:
            switcher.current = pane
            if has_jobs and self.is_seen:
                self._list.focus_table()
        self._show_headline(now)
        if not has_jobs:
            self.query_one("#jobs-empty", Static).update(self.board.empty_text())

    def _show_headline(self, now: float) -> None:
        matches = self._list.matches if self._list.filtered else None
        self.set_headline(self.progress_text() or self.board.headline(now, matches))

    @property
    def _list(self) -> JobList:
        return self.query_one(JobList)
