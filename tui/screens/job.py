"""The screen of one job, live: its figures, its chart, its events."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui.domain.run_words import title_line
from tui.domain.runs import JobView
from tui.screens.glyphs import draws_glyphs
from tui.screens.job_actions import JobActions
from tui.screens.job_board import JobBoard, Key, Verb
from tui.screens.messages import StepRequested
from tui.services.container import Services
from tui.widgets.job_panel import JobPanel
from tui.widgets.loss_chart import LossChart

if TYPE_CHECKING:
    from tui.screens.jobs import JobsScreen


class JobScreen(JobActions):
    """One job; lies over the list, which follows the jobs and tells when there is news."""

    ABOUT = (
        "One job, live. It goes on when ftui is closed; whatever was seen of it is kept in the "
        "workspace, and shown without a server too."
    )
    CSS_PATH = "jobs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *JobActions.JOB_BINDINGS,
        Binding("n,t", "new_job", "New", key_display="n"),
        Binding("r", "refresh", "Ask", tooltip="Ask the servers again"),
        Binding("escape", "back", "List", key_display="esc"),
    ]

    def __init__(self, services: Services, board: JobBoard, key: Key, job_list: JobsScreen) -> None:
        """Show a job.

        Args:
            services: for the jobs.
            board: what is known of the jobs.
            key: the job.
            job_list: the screen below, which follows the jobs.
        """
        super().__init__(services, board)
        self.key = key
        self._list = job_list

    def compose_body(self) -> ComposeResult:
        """The live view."""
        yield JobPanel(braille=draws_glyphs(self.services), id="job-panel")

    def on_mount(self) -> None:
        """Show how the job stands."""
        self.draw()
        self.query_one(LossChart).focus()

    def on_screen_suspend(self) -> None:
        """Another step may be shown now."""
        self._list.attend()

    def on_screen_resume(self) -> None:
        """Show what came while another screen lay above."""
        self._list.attend()
        self.draw()

    def chosen(self) -> JobView:
        """The job that is shown."""
        return self.board.views[self.key]

    def steer(self, key: Key, verb: Verb) -> None:
        """Cancel, pause, resume or stop the job; the list does it and tells."""
        self._list.steer(key, verb)

    def ask_again(self, key: Key) -> None:
        """Offer the job's request anew; the list does it."""
        self._list.ask_again(key)

    def begin(self, request: StepRequested) -> None:
        """What another screen asked for is begun at the list."""
        self._list.begin(request)

    def show(self, key: Key) -> None:
        """Show another job."""
        self.key = key
        self.draw()

    def draw(self) -> None:
        """Bring everything in line with the state; whatever says the same is not repainted."""
        view, now = self.chosen(), self.services.jobs.now()
        panel = self.query_one(JobPanel)
        panel.show(view, self.board.shown_time(self.key, now))
        words, trouble = self.board.contact_words(self.key, now)
        panel.say_contact(words, trouble=trouble)
        why = self.board.trouble_of(self.key)
        self.say(f"{title_line(view)} · {why}" if why else title_line(view))
        self.update_reasons()

    def action_new_job(self) -> None:
        """Offer a new job."""
        self._list.action_new_job()

    def action_refresh(self) -> None:
        """Ask the servers now, and follow again what was given up."""
        self._list.action_refresh()

    def action_back(self) -> None:
        """Back to the list."""
        self.dismiss()
