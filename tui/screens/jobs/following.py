"""Following all jobs: their lists, polling each job, and how often each is polled."""

from __future__ import annotations

from abc import abstractmethod

from textual import work

from tui.domain.loop import Mode
from tui.domain.providers.kinds import LOCAL
from tui.screens.jobs.actions import JobActions
from tui.screens.jobs.board import JobBoard, Key
from tui.screens.jobs.messages import JobLost, JobsListed, JobUpdated
from tui.services.container import Services
from tui.services.errors import FtuiError
from tui.services.watching.poll_priority import PollControl, PollPriority


class JobFollowing(JobActions):
    """The part of the Jobs screen that polls the servers and updates the board."""

    def __init__(self, services: Services, board: JobBoard) -> None:
        super().__init__(services, board)
        self._controls: dict[Key, PollControl] = {}
        self._suspended = False

    @property
    @abstractmethod
    def open_job(self) -> Key | None:
        """The job shown on a screen of its own."""

    @abstractmethod
    def redraw(self) -> None:
        """Show the current state."""

    def on_mount(self) -> None:
        """Poll less while the app is suspended, and at once when it resumes."""
        self.app.app_suspend_signal.subscribe(self, lambda _: self._suspend(True))
        self.app.app_resume_signal.subscribe(self, lambda _: self._suspend(False))

    def on_screen_suspend(self) -> None:
        """Poll less often while another step is shown."""
        self.update_poll_priorities()

    def on_screen_resume(self) -> None:
        """Poll often again."""
        self.update_poll_priorities()

    def update_poll_priorities(self) -> None:
        """Poll the jobs in sight often, the others slowly."""
        for key, control in self._controls.items():
            control.priority = self._priority(key)

    def priorities(self) -> dict[Key, PollPriority]:
        """The poll priority of each followed job."""
        return {key: control.priority for key, control in self._controls.items()}

    def poll_now(self) -> None:
        """Poll every job at once."""
        for control in self._controls.values():
            control.poll_now()

    def follow_new_jobs(self) -> None:
        """Follow every job that has not ended and is not followed yet."""
        for key in self.board.to_follow():
            self.board.followed.add(key)
            self.follow(key)

    @work(exclusive=True, group="list", exit_on_error=False)
    async def load(self) -> None:
        """Load the recorded jobs, then the list of each server."""
        jobs = self.services.jobs
        try:
            if not self.board.order:
                self.post_message(JobsListed(await jobs.recorded(), {}, (), from_servers=False))
            missing = jobs.engine.missing()
            async for lists in jobs.stream_jobs():
                self.post_message(
                    JobsListed(
                        lists.views,
                        lists.errors,
                        missing,
                        from_servers=True,
                        answered=lists.answered,
                    )
                )
        except FtuiError as error:
            self.post_message(JobsListed((), {"workspace": error}, (), from_servers=True))

    @work(group="follow", exit_on_error=False)
    async def follow(self, key: Key) -> None:
        """Post each new state of a job, until it has ended."""
        control = self._controls.setdefault(key, PollControl(self._priority(key)))
        update = view = None
        try:
            async for update in self.services.jobs.follow(*key, control):
                view = update.view if update.records or view is None else view
                # The log is read in slices; a state in the middle of it is not shown.
                is_polled = update.connection.updated_at is not None or update.connection.error
                if is_polled and view.status != "unknown":
                    self.post_message(JobUpdated(key, view, update.connection))
            if update and view and update.connection.updated_at is None:
                self.post_message(JobUpdated(key, view, update.connection))
        except FtuiError as error:
            self.post_message(JobLost(key, error))
        finally:
            self._controls.pop(key, None)

    def on_jobs_listed(self, message: JobsListed) -> None:
        """Update the list, and follow jobs that have not ended."""
        self.board.update_list(message.views)
        if message.from_servers:
            now = self.services.jobs.now()
            self.board.update_outages(message.answered, message.errors, now)
            self.board.missing = message.missing
        self.follow_new_jobs()
        self.redraw()

    def on_job_updated(self, message: JobUpdated) -> None:
        """Show the new state of a job."""
        now = self.services.jobs.now()
        self.board.update_job(message.key, message.view, message.connection, now)
        self.redraw()

    def on_job_lost(self, message: JobLost) -> None:
        """Show why a job is not followed any more."""
        self.board.mark_lost(message.key, message.error)
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
            self.poll_now()
