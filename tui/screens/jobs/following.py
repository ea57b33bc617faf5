"""Following all jobs: lists, looks at each job, and how closely each is looked at."""

from __future__ import annotations

from abc import abstractmethod

from textual import work

from tui.domain.loop import Mode
from tui.domain.providers.kinds import LOCAL
from tui.screens.jobs.actions import JobActions
from tui.screens.jobs.board import JobBoard, Key
from tui.screens.jobs.messages import JobLost, JobSeen, JobsListed
from tui.services.container import Services
from tui.services.errors import FtuiError
from tui.services.watching.poll_priority import PollControl, PollPriority


class JobFollowing(JobActions):
    """The part of the screen Jobs that asks the servers and takes in what they tell."""

    def __init__(self, services: Services, board: JobBoard) -> None:
        super().__init__(services, board)
        self._controls: dict[Key, PollControl] = {}
        self._suspended = False

    @property
    @abstractmethod
    def open_job(self) -> Key | None:
        """The job that is shown on a screen of its own."""

    @abstractmethod
    def redraw(self) -> None:
        """Bring the screen in line with its state."""

    def on_mount(self) -> None:
        """Ask for less while a person has stopped the app, and for all when it is back."""
        self.app.app_suspend_signal.subscribe(self, lambda _: self._suspend(True))
        self.app.app_resume_signal.subscribe(self, lambda _: self._suspend(False))

    def on_screen_suspend(self) -> None:
        """Another step may be shown now."""
        self.update_poll_priorities()

    def on_screen_resume(self) -> None:
        """This step is shown again: what is shown must be true at once."""
        self.update_poll_priorities()

    def update_poll_priorities(self) -> None:
        """Look at each job as closely as a person does: what is hidden is asked for slowly."""
        for key, control in self._controls.items():
            control.priority = self._priority(key)

    def priorities(self) -> dict[Key, PollPriority]:
        """How closely each job that is followed is looked at."""
        return {key: control.priority for key, control in self._controls.items()}

    def look_now(self) -> None:
        """Ask for every job at once."""
        for control in self._controls.values():
            control.poll_now()

    def follow_the_rest(self) -> None:
        """Follow every job that has not ended and is not followed yet."""
        for key in self.board.to_follow():
            self.board.followed.add(key)
            self.follow(key)

    @work(exclusive=True, group="list", exit_on_error=False)
    async def load(self) -> None:
        """Bring what is recorded, then what each server tells."""
        jobs = self.services.jobs
        try:
            if not self.board.order:
                self.post_message(JobsListed(await jobs.recorded(), {}, (), asked=False))
            missing = jobs.engine.missing()
            async for found in jobs.stream_jobs():
                told = found.views, found.errors, missing
                self.post_message(JobsListed(*told, asked=True, answered=found.answered))
        except FtuiError as error:
            self.post_message(JobsListed((), {"workspace": error}, (), asked=True))

    @work(group="follow", exit_on_error=False)
    async def follow(self, key: Key) -> None:
        """Tell of each look at a job, until it has ended."""
        control = self._controls.setdefault(key, PollControl(self._priority(key)))
        seen = view = None
        try:
            async for seen in self.services.jobs.follow(*key, control):
                view = seen.view if seen.records or view is None else view
                # The log comes in slices, and half of it is no state of the job.
                asked = seen.connection.updated_at is not None or seen.connection.error
                if asked and view.status != "unknown":
                    self.post_message(JobSeen(key, view, seen.connection))
            if seen and view and seen.connection.updated_at is None:
                self.post_message(JobSeen(key, view, seen.connection))
        except FtuiError as error:
            self.post_message(JobLost(key, error))
        finally:
            self._controls.pop(key, None)

    def on_jobs_listed(self, message: JobsListed) -> None:
        """Take the list in and follow what has not ended."""
        self.board.listed(message.views)
        if message.asked:
            now = self.services.jobs.now()
            self.board.answered(message.answered, message.troubles, now)
            self.board.missing = message.missing
        self.follow_the_rest()
        self.redraw()

    def on_job_seen(self, message: JobSeen) -> None:
        """Show what is new of a job."""
        self.board.seen(message.key, message.view, message.connection, self.services.jobs.now())
        self.redraw()

    def on_job_lost(self, message: JobLost) -> None:
        """Say why a job is not followed any more."""
        self.board.lose(message.key, message.error)
        if message.key[0] != LOCAL or message.key == self.open_job:
            self.show_error(message.error)
        self.redraw()

    def _priority(self, key: Key) -> PollPriority:
        if self._suspended or self.app.current_mode != Mode.JOBS.value:
            return PollPriority.HIDDEN
        return PollPriority.WATCHED if key == self.open_job else PollPriority.LISTED

    def _suspend(self, suspended: bool) -> None:
        self._suspended = suspended
        self.update_poll_priorities()
        if not suspended:
            self.look_now()
