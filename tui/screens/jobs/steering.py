"""Steering jobs from the list: the work behind cancel, pause, resume, stop and start again."""

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
from tui.screens.jobs.messages import JobOffered, JobSteered
from tui.services.errors import CannotSteer, FtuiError
from tui.services.jobs.stopping import stop_and_keep

_READ = 15
"""Seconds for a sentence with a model's name in it."""


class JobSteering(JobActions):
    """The part of the screen Jobs that steers jobs."""

    @abstractmethod
    def redraw(self) -> None:
        """Bring the screen in line with its state."""

    @abstractmethod
    def offer_again(self, request: JobRequest) -> None:
        """Open the form for a new job with an earlier request."""

    def steer(self, key: Key, verb: Verb) -> None:
        """Cancel, pause, resume or stop a job, in the background."""
        self._steer(key, verb)

    def resubmit(self, key: Key) -> None:
        """Look up what a job asked for, and offer it anew."""
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

    @work(group="again", exclusive=True, exit_on_error=False)
    async def _resubmit(self, key: Key) -> None:
        try:
            request = await self.services.jobs.load_request(*key)
            self.post_message(JobOffered(request))
        except FtuiError as error:
            self.post_message(JobOffered(None, error))

    def on_job_steered(self, message: JobSteered) -> None:
        """Show how the job stands now."""
        if isinstance(message.error, CannotSteer) and message.verb in ("pause", "stop"):
            self.board.cannot[message.key[0]] = message.error.message
            self.update_reasons()
        if message.error:
            self.show_error(message.error)
        elif message.view:
            self.board.steered(message.view)
            self.redraw()
            seconds = _READ if message.verb == "stop" and message.view.terminal else 3
            self.app.clear_notifications()
            self.notify(_said(message.verb, message.view), markup=False, timeout=seconds)

    def on_job_offered(self, message: JobOffered) -> None:
        """Open the form, or say why the job cannot be started again."""
        if message.error:
            self.show_error(message.error)
        elif message.request:
            self.offer_again(message.request)


def _said(verb: Verb, view: JobView) -> str:
    """What became of a wish, as a sentence."""
    word = preview(status_text(view.status), 40)
    if verb != "stop":
        return f"{job_name(view)}: asked to {verb}; it is {word} now."
    if not view.terminal:
        return f"{job_name(view)}: pausing; its checkpoint is saved after this step."
    return f"{job_name(view)}: {word}. {describe_kept_checkpoint(view)}"
