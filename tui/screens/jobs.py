"""The screen Jobs: every job in a list, one of them live."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import ContentSwitcher, Static

from tui.dialogs.confirm import Confirm
from tui.dialogs.new_job import NewJob
from tui.domain.loop import Mode, StepState
from tui.domain.run_words import name_of, title_line
from tui.domain.runs import JobView, Run, loop_step, status_word
from tui.domain.text import preview
from tui.screens.job_board import JobBoard, Key
from tui.screens.job_messages import (
    JobLost,
    JobRefused,
    JobSeen,
    JobsListed,
    JobSteered,
    JobSubmitted,
)
from tui.screens.messages import EvaluateRequested, StepRequested, TrainRequested
from tui.screens.mode_screen import ModeScreen
from tui.services.container import Services
from tui.services.errors import FtuiError
from tui.services.job_log import JobRequest
from tui.services.jobs import Steering
from tui.services.training_file import made_ready
from tui.settings import LOCAL
from tui.widgets.job_panel import JobPanel
from tui.widgets.line_table import Cell, Column, LineTable

_COLUMNS = [
    Column("state", 13),
    Column("name"),
    Column("base model"),
    Column("done", 5, right=True),
    Column("ETA", 7, right=True),
    Column("loss", 6, right=True),
    Column("valid", 6, right=True),
    Column("provider", 10, from_width=96),
    Column("age", 6, right=True),
]
_TICK_SECONDS = 5.0
_LIST_SECONDS = 30.0
_CANCEL_LOSES = (
    "The training ends after the step it is at, and cannot be resumed: the steps since the last "
    "checkpoint are lost. Checkpoints and everything seen of the job are kept."
)


class JobsScreen(ModeScreen):
    """Step Jobs of the loop."""

    MODE = Mode.JOBS
    ABOUT = (
        "Start fine-tuning jobs and watch them. A job goes on when ftui is closed; whatever was "
        "seen of it is kept in the workspace, and shown without a server too."
    )
    CSS_PATH = "jobs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n,t", "new_job", "New", key_display="n"),
        Binding("e", "evaluate", "Evaluate"),
        Binding("p", "pause", "Pause"),
        Binding("C", "cancel", "Cancel"),
        Binding("b", "braille", "Chart"),
        Binding("r", "refresh", "Ask", tooltip="Ask the servers again"),
        Binding("escape", "back", "List", key_display="esc"),
    ]

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._board = JobBoard()
        self._opened: Key | None = None
        self._submitting: list[str] = []
        self._stands: StepState | None = None
        self._rows: list[Sequence[Cell]] = []
        self._keys: list[Key] = []
        self._reasons: list[str | None] = []
        self._said = ""

    @classmethod
    async def stands(cls, services: Services) -> StepState:
        """How the recorded jobs stood when they were last seen.

        Raises:
            FileError: a log cannot be read.
        """
        return loop_step(await services.jobs.recorded())

    def compose_body(self) -> ComposeResult:
        """The list, the live view of one job, and what an empty list says."""
        with ContentSwitcher(initial="jobs-empty", id="jobs-body"):
            yield Static("", id="jobs-empty", classes="empty", markup=False)
            yield LineTable(_COLUMNS, lambda row: self._rows[row], id="jobs-list")
            yield JobPanel(braille=_draws_braille(self.services), id="job-panel")

    def on_mount(self) -> None:
        """Show what is recorded, then ask; look again now and then."""
        self._draw()
        self._load(asking=True)
        self.set_interval(_TICK_SECONDS, self._tick)
        self.set_interval(_LIST_SECONDS, self._list_again)

    def on_screen_resume(self) -> None:
        """Jobs may have been started elsewhere meanwhile."""
        if self._board.asked_at is not None:
            self._list_again()

    def begin(self, request: StepRequested) -> None:
        """Offer a job on the file that Data has open."""
        if isinstance(request, TrainRequested):
            self.offer_job(request.path, validation=request.validation)

    def offer_job(
        self,
        path: Path | None,
        request: JobRequest | None = None,
        *,
        validation: Path | None = None,
    ) -> None:
        """Open the dialog for a new job.

        Args:
            path: the training file that is offered.
            request: a request that failed, to be changed.
            validation: the validation file that is offered.
        """
        dialog = NewJob(self.services, path, request, validation)
        self.app.push_screen(dialog, self._submit_if_given)

    def _submit_if_given(self, request: JobRequest | None) -> None:
        if request:
            self._submitting.append(request.training_file.name)
            self._draw()
            self._submit(request)

    @work(exclusive=True, group="list", exit_on_error=False)
    async def _load(self, *, asking: bool) -> None:
        jobs = self.services.jobs
        try:
            if not self._board.order:
                self.post_message(JobsListed(await jobs.recorded(), {}, (), asked=False))
            if asking:
                found = await jobs.list_jobs()
                missing = jobs.engine.missing()
                self.post_message(JobsListed(found.views, found.troubles, missing, asked=True))
        except FtuiError as error:
            self.post_message(JobsListed((), {"workspace": error}, (), asked=True))

    @work(group="follow", exit_on_error=False)
    async def _follow(self, key: Key) -> None:
        run = Run(*key)
        view = run.view()
        try:
            async for seen in self.services.jobs.follow(*key):
                for record in seen.records:
                    run.add(record)
                if seen.records:
                    view = run.view()
                if view.status != "unknown":
                    self.post_message(JobSeen(key, view, seen.contact))
        except FtuiError as error:
            self.post_message(JobLost(key, error))

    @work(group="submit", exit_on_error=False)
    async def _submit(self, request: JobRequest) -> None:
        try:
            ready = await made_ready(request)
            self.post_message(JobSubmitted(await self.services.jobs.submit(ready)))
        except FtuiError as error:
            self.post_message(JobRefused(request, error))

    @work(group="steer", exit_on_error=False)
    async def _steer(self, key: Key, verb: Steering) -> None:
        try:
            self.post_message(JobSteered(verb, await self.services.jobs.steer(*key, verb)))
        except FtuiError as error:
            self.post_message(JobSteered(verb, None, error))

    def on_jobs_listed(self, message: JobsListed) -> None:
        """Take the list in and follow what has not ended."""
        self._board.listed(message.views)
        if message.asked:
            self._board.asked_at = self.services.jobs.now()
            self._board.troubles = message.troubles
            self._board.missing = message.missing
        self._follow_the_rest()
        self._draw()

    def on_job_seen(self, message: JobSeen) -> None:
        """Show what is new of a job."""
        self._board.seen(message.key, message.view, message.contact, self.services.jobs.now())
        self._draw()

    def on_job_lost(self, message: JobLost) -> None:
        """Say why a job is not followed any more."""
        self._board.lose(message.key, message.error)
        if message.key[0] != LOCAL or message.key == self._opened:
            self.tell_error(message.error)
        self._draw()

    def on_job_submitted(self, message: JobSubmitted) -> None:
        """Open the new job."""
        self._submitting = self._submitting[1:]
        self._board.listed([message.view])
        self._follow_the_rest()
        self._open((message.view.provider, message.view.id))

    def worker_failed(self, error: FtuiError) -> None:
        """Stop waiting for what will not come."""
        self._submitting = []
        self._draw()
        super().worker_failed(error)

    def on_job_refused(self, message: JobRefused) -> None:
        """Say why, and offer the same job again."""
        self._submitting = self._submitting[1:]
        self._draw()
        self.tell_error(message.error)
        if self.is_current:
            self.offer_job(None, message.request)

    def on_job_steered(self, message: JobSteered) -> None:
        """Show how the job stands now."""
        if message.error:
            self.tell_error(message.error)
        elif message.view:
            self._board.steered(message.view)
            self._draw()
            word = preview(status_word(message.view.status), 40)
            said = f"{name_of(message.view)}: asked to {message.verb}; it is {word} now."
            self.notify(said, markup=False, timeout=3)

    def on_line_table_row_selected(self, message: LineTable.RowSelected) -> None:
        """Open a job of the list."""
        if message.table.id == "jobs-list":
            self._open(self._board.order[message.row])

    def on_line_table_row_highlighted(self, message: LineTable.RowHighlighted) -> None:
        """What can be done depends on the job under the cursor."""
        if message.table.id == "jobs-list":
            self._update_reasons()

    def action_new_job(self) -> None:
        """Offer a new job."""
        self.offer_job(None)

    def action_refresh(self) -> None:
        """Ask the servers now, and follow again what was given up."""
        self._board.lost.clear()
        self._list_again()
        self._follow_the_rest()
        self._draw()

    def action_back(self) -> None:
        """Back to the list."""
        self._opened = None
        self._draw()
        self.query_one("#jobs-list").focus()

    def action_braille(self) -> None:
        """Draw the chart in braille, or in plain ASCII."""
        chart = self.query_one(JobPanel).chart
        chart.braille = not chart.braille

    def action_evaluate(self) -> None:
        """Compare the tuned model with its base."""
        view = self._chosen()
        if view and view.fine_tuned_model and view.model:
            self.post_message(EvaluateRequested(view.provider, view.model, view.fine_tuned_model))

    def action_pause(self) -> None:
        """Pause the job, or let it go on."""
        view = self._chosen()
        if view:
            self._steer((view.provider, view.id), "resume" if view.status == "paused" else "pause")

    @work(exit_on_error=False)
    async def action_cancel(self) -> None:
        """Cancel the job, once the person has confirmed it."""
        view = self._chosen()
        if view is None:
            return
        question = f"Cancel the job {name_of(view)}?"
        dialog = Confirm(question, _CANCEL_LOSES, yes="Cancel the job", no="Let it train")
        if await self.app.push_screen_wait(dialog):
            self._steer((view.provider, view.id), "cancel")

    def reason_against(self, action: str) -> str | None:
        """Why a job cannot be steered, evaluated or left."""
        if action in ("back", "braille"):
            return None if self._opened else "Open a job first (enter)."
        if action not in ("cancel", "pause", "evaluate"):
            return None
        view = self._chosen()
        if view is None:
            return "There is no job yet; n makes one."
        if action == "evaluate":
            tuned = view.fine_tuned_model and view.model
            return None if tuned else "Only a job that has succeeded has a model to evaluate."
        ended = f"The job has ended ({preview(status_word(view.status), 40)})."
        return ended if view.terminal else None

    def _chosen(self) -> JobView | None:
        """The open job, or the one under the cursor."""
        if self._opened:
            return self._board.views[self._opened]
        row = self.query_one("#jobs-list", LineTable).cursor
        return self._board.in_order()[row] if row < len(self._board.order) else None

    def _open(self, key: Key) -> None:
        self._opened = key
        self._draw()
        self.query_one("#job-events").focus()
        if self._board.views[key].terminal and key not in self._board.contacts:
            self._follow(key)

    def _follow_the_rest(self) -> None:
        for key in self._board.to_follow():
            self._board.followed.add(key)
            self._follow(key)

    def _list_again(self) -> None:
        if self.is_current:
            self._load(asking=True)

    def _tick(self) -> None:
        """Move the shown ages on."""
        if self.is_current:
            self._draw()

    def _draw(self) -> None:
        """Bring everything in line with the state; whatever says the same is not repainted."""
        stands = loop_step(self._board.in_order())
        if stands != self._stands:
            self._stands = stands
            self.step_stands(stands)
        now = self.services.jobs.now()
        if self._opened:
            self._draw_job(self._opened, now)
        else:
            self._draw_list(now)
        self._update_reasons()

    def _update_reasons(self) -> None:
        """Grey out other keys; the footer is drawn anew only if some key's reason changed."""
        actions = ("back", "cancel", "pause", "evaluate")
        reasons = [self.reason_against(action) for action in actions]
        if reasons != self._reasons:
            self._reasons = reasons
            self.refresh_bindings()

    def _draw_list(self, now: float) -> None:
        rows = [self._board.cells(row, now) for row in range(len(self._board.order))]
        before, self._rows = self._rows, rows
        table = self.query_one("#jobs-list", LineTable)
        keys, self._keys = self._keys, list(self._board.order)
        chosen = keys[table.cursor] if table.cursor < len(keys) else None
        table.set_row_count(len(rows))
        if chosen in self._keys:
            # A job that was started elsewhere comes in above; the cursor stays on its job.
            table.cursor = self._keys.index(chosen)
        pairs = enumerate(zip(before, rows, strict=False))
        table.rows_changed([row for row, (old, new) in pairs if old != new])
        switcher = self.query_one(ContentSwitcher)
        shown = "jobs-list" if rows else "jobs-empty"
        if switcher.current != shown:
            switcher.current = shown
            if rows and self.is_current:
                table.focus()
        uploading = ", ".join(self._submitting)
        said = f"Uploading {uploading} and creating the job …" if uploading else ""
        self._say(said or self._board.headline())
        if not rows:
            self.query_one("#jobs-empty", Static).update(self._board.empty_words())

    def _draw_job(self, key: Key, now: float) -> None:
        view = self._board.views[key]
        panel = self.query_one(JobPanel)
        switcher = self.query_one(ContentSwitcher)
        switcher.current = "job-panel"
        panel.show(view, self._board.shown_time(key, now))
        words, trouble = self._board.contact_words(key, now)
        panel.say_contact(words, trouble=trouble)
        why = self._board.trouble_of(key)
        self._say(f"{title_line(view)} · {why}" if why else title_line(view))

    def _say(self, sentence: str) -> None:
        if sentence != self._said:
            self._said = sentence
            self.headline(sentence)


def _draws_braille(services: Services) -> bool:
    """Whether the chart may use braille: the setting allows it, and the terminal is UTF-8."""
    encoding = getattr(sys.__stdout__, "encoding", None) or ""
    return services.settings.chart == "braille" and "utf" in encoding.lower()
