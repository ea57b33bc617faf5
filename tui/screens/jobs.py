"""The screen Jobs: every job in a list. It follows them all, also for the screen of one job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import ContentSwitcher, Static

from tui.dialogs.providers import ProviderList
from tui.domain.loop import StepState
from tui.domain.run_words import name_of
from tui.domain.runs import JobView, Run, loop_step, status_word
from tui.domain.text import preview
from tui.screens.job import JobScreen
from tui.screens.job_actions import JobActions
from tui.screens.job_board import JobBoard, Key
from tui.screens.job_messages import (
    JobLost,
    JobSeen,
    JobsListed,
    JobSteered,
)
from tui.screens.job_starting import JobStarting
from tui.screens.messages import StepRequested, TrainRequested
from tui.services.container import Services
from tui.services.errors import FtuiError
from tui.services.jobs import Steering
from tui.settings import LOCAL
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


class JobsScreen(JobStarting):
    """Step Jobs of the loop."""

    ABOUT = (
        "Start fine-tuning jobs and watch them. A job goes on when ftui is closed; whatever was "
        "seen of it is kept in the workspace, and shown without a server too."
    )
    CSS_PATH = "jobs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n,t", "new_job", "New", key_display="n"),
        *JobActions.JOB_BINDINGS,
        Binding("r", "refresh", "Ask", tooltip="Ask the servers again"),
        Binding("P", "providers", "Providers", tooltip="What each server can do, and its models"),
    ]

    def __init__(self, services: Services) -> None:
        super().__init__(services, JobBoard())
        self._job: JobScreen | None = None
        self._to_open: Key | None = None
        self._stands: StepState | None = None
        self._rows: list[Sequence[Cell]] = []
        self._keys: list[Key] = []

    @classmethod
    async def stands(cls, services: Services) -> StepState:
        """How the recorded jobs stood when they were last seen.

        Raises:
            FileError: a log cannot be read.
        """
        return loop_step(await services.jobs.recorded())

    def compose_body(self) -> ComposeResult:
        """The list, and what an empty one says."""
        with ContentSwitcher(initial="jobs-empty", id="jobs-body"):
            yield Static("", id="jobs-empty", classes="empty", markup=False)
            yield LineTable(_COLUMNS, lambda row: self._rows[row], id="jobs-list")

    def on_mount(self) -> None:
        """Show what is recorded, then ask; look again now and then."""
        self._draw()
        self._load(asking=True)
        self.settle()
        self.set_interval(_TICK_SECONDS, self._tick)
        self.set_interval(_LIST_SECONDS, self._list_again)

    def on_screen_resume(self) -> None:
        """Jobs may have been started elsewhere meanwhile."""
        if self.board.asked_at is not None:
            self._list_again()
        if self._to_open:
            self._open(self._to_open)
        self.offer_left()

    def begin(self, request: StepRequested) -> None:
        """Offer a job on the file that Data has open."""
        if isinstance(request, TrainRequested):
            self.offer_job(request.path, validation=request.validation)

    @work(exclusive=True, group="list", exit_on_error=False)
    async def _load(self, *, asking: bool) -> None:
        jobs = self.services.jobs
        try:
            if not self.board.order:
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

    def steer(self, key: Key, verb: Steering) -> None:
        """Cancel, pause or resume a job, in the background."""
        self._steer(key, verb)

    @work(group="steer", exit_on_error=False)
    async def _steer(self, key: Key, verb: Steering) -> None:
        try:
            self.post_message(JobSteered(verb, await self.services.jobs.steer(*key, verb)))
        except FtuiError as error:
            if verb != "cancel":
                error = await self.services.probing.explain(error, key[0], verb)
            self.post_message(JobSteered(verb, None, error))

    def on_jobs_listed(self, message: JobsListed) -> None:
        """Take the list in and follow what has not ended."""
        self.board.listed(message.views)
        if message.asked:
            self.board.asked_at = self.services.jobs.now()
            self.board.troubles = message.troubles
            self.board.missing = message.missing
        self._follow_the_rest()
        self._draw()

    def on_job_seen(self, message: JobSeen) -> None:
        """Show what is new of a job."""
        self.board.seen(message.key, message.view, message.contact, self.services.jobs.now())
        self._draw()

    def on_job_lost(self, message: JobLost) -> None:
        """Say why a job is not followed any more."""
        self.board.lose(message.key, message.error)
        if message.key[0] != LOCAL or (self._job and message.key == self._job.key):
            self.tell_error(message.error)
        self._draw()

    def take_up(self, view: JobView, *, opened: bool) -> None:
        """Take a new job into the list, and where it was just started open it."""
        self.board.listed([view])
        self._follow_the_rest()
        if opened:
            self._open((view.provider, view.id))
        self._draw()

    def redraw(self) -> None:
        """Bring the screen in line with its state."""
        self._draw()

    def on_job_steered(self, message: JobSteered) -> None:
        """Show how the job stands now."""
        if message.error:
            self.tell_error(message.error)
        elif message.view:
            self.board.steered(message.view)
            self._draw()
            word = preview(status_word(message.view.status), 40)
            said = f"{name_of(message.view)}: asked to {message.verb}; it is {word} now."
            self.notify(said, markup=False, timeout=3)

    def on_line_table_row_selected(self, message: LineTable.RowSelected) -> None:
        """Open a job of the list."""
        if message.table.id == "jobs-list":
            self._open(self.board.order[message.row])

    def on_line_table_row_highlighted(self, message: LineTable.RowHighlighted) -> None:
        """What can be done depends on the job under the cursor."""
        if message.table.id == "jobs-list":
            self.update_reasons()

    def action_new_job(self) -> None:
        """Offer a new job."""
        self.offer_job(None)

    def action_providers(self) -> None:
        """Show the providers: which can be used, what each cannot do, its models."""
        self.app.push_screen(ProviderList(self.services.providers, self.services.probing))

    def action_refresh(self) -> None:
        """Ask the servers now, and follow again what was given up."""
        self.board.lost.clear()
        self._list_again()
        self._follow_the_rest()
        self._draw()

    def chosen(self) -> JobView | None:
        """The job under the cursor."""
        row = self.query_one("#jobs-list", LineTable).cursor
        return self.board.in_order()[row] if row < len(self.board.order) else None

    @property
    def in_sight(self) -> bool:
        """Whether the list is shown, or one of its jobs."""
        return self.is_current or bool(self._job and self._job.is_current)

    def _open(self, key: Key) -> None:
        """Show one job, at once or when the person comes back to this step."""
        self._to_open = None
        if self._job:
            self._job.show(key)
        elif self.is_current:
            self._job = JobScreen(self.services, self.board, key, self)
            self.app.push_screen(self._job, self._back_at_list)
        else:
            self._to_open = key
        if self.board.views[key].terminal and key not in self.board.contacts:
            self._follow(key)

    def _back_at_list(self, _: None) -> None:
        self._job = None
        self._draw()

    def _follow_the_rest(self) -> None:
        for key in self.board.to_follow():
            self.board.followed.add(key)
            self._follow(key)

    def _list_again(self) -> None:
        if self.in_sight:
            self._load(asking=True)

    def _tick(self) -> None:
        """Move the shown ages on."""
        if self.in_sight:
            self._draw()

    def _draw(self) -> None:
        """Bring everything in line with the state; whatever says the same is not repainted."""
        stands = loop_step(self.board.in_order())
        if stands != self._stands:
            self._stands = stands
            self.step_stands(stands)
        if self._job and self._job.is_mounted:
            self._job.draw()
        else:
            self._draw_list(self.services.jobs.now())
        self.update_reasons()

    def _draw_list(self, now: float) -> None:
        rows = [self.board.cells(row, now) for row in range(len(self.board.order))]
        before, self._rows = self._rows, rows
        table = self.query_one("#jobs-list", LineTable)
        keys, self._keys = self._keys, list(self.board.order)
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
        self.say(self.underway_words() or self.board.headline())
        if not rows:
            self.query_one("#jobs-empty", Static).update(self.board.empty_words())
