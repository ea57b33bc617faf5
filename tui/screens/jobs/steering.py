"""Steering jobs from the list: the work behind cancel, pause, resume, stop and rerun."""

from __future__ import annotations

from abc import abstractmethod

from textual import work

from tui.domain.jobs.descriptions import job_name
from tui.domain.jobs.status import status_text
from tui.domain.jobs.stopping import describe_kept_checkpoint
from tui.domain.jobs.view import JobView
from tui.domain.submission.job_request import JobRequest
from tui.domain.text import preview
from tui.screens.jobs.actions import JobActions
from tui.screens.jobs.board import Key, Verb
from tui.screens.jobs.messages import JobSteered, RequestLoaded
from tui.services.errors import CannotSteer, FtuiError
from tui.services.jobs.stopping import stop_and_keep

_LONG_NOTICE_SECONDS = 15
"""For a notice with the name of a model in it."""
_NOTICE_SECONDS = 3


class JobSteering(JobActions):
    """The part of the Jobs screen that steers jobs."""

    @abstractmethod
    def redraw(self) -> None:
        """Show the current state."""

    @abstractmethod
    def offer_rerun(self, request: JobRequest) -> None:
        """Open the form for a new job with an earlier request."""

    def steer(self, key: Key, verb: Verb) -> None:
        """Cancel, pause, resume or stop a job, in the background."""
        self._steer(key, verb)

    def resubmit(self, key: Key) -> None:
        """Load the request of a job, and open the form with it."""
        self._resubmit(key)

    @work(group="steer", exit_on_error=False)
    async def _steer(self, key: Key, verb: Verb) -> None:
        jobs = self.services.jobs
        try:
            if verb == "stop":
                async for view in stop_and_keep(jobs, *key):
                    self.post_message(JobSteered(key, verb, view))
            else:
                self.post_message(JobSteered(key, verb, await jobs.steer(*key, verb)))
        except FtuiError as error:
            self.post_message(JobSteered(key, verb, None, error))

    @work(group="resubmit", exclusive=True, exit_on_error=False)
    async def _resubmit(self, key: Key) -> None:
        try:
            request = await self.services.jobs.load_request(*key)
            self.post_message(RequestLoaded(request))
        except FtuiError as error:
            self.post_message(RequestLoaded(None, error))

    def on_job_steered(self, message: JobSteered) -> None:
        """Show the new state of the job."""
        if isinstance(message.error, CannotSteer) and message.verb in ("pause", "stop"):
            self.board.pause_refusals[message.key[0]] = message.error.message
            self.update_reasons()
        if message.error:
            self.show_error(message.error)
        elif message.view:
            self.board.update_view(message.view)
            self.redraw()
            seconds = (
                _LONG_NOTICE_SECONDS
                if message.verb == "stop" and message.view.terminal
                else _NOTICE_SECONDS
            )
            self.app.clear_notifications()
            self.notify(_outcome_text(message.verb, message.view), markup=False, timeout=seconds)

    def on_request_loaded(self, message: RequestLoaded) -> None:
        """Open the form, or show why the job cannot be run again."""
        if message.error:
            self.show_error(message.error)
        elif message.request:
            self.offer_rerun(message.request)


def _outcome_text(verb: Verb, view: JobView) -> str:
    """The outcome of an action, as a sentence."""
    status = preview(status_text(view.status), 40)
    if verb != "stop":
        return f"{job_name(view)}: {verb} requested; the job is {status}."
    if not view.terminal:
        return f"{job_name(view)}: pausing; a checkpoint is saved after this step."
    return f"{job_name(view)}: {status}. {describe_kept_checkpoint(view)}"
