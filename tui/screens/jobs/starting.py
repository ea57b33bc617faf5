"""Starting jobs from the list: the form, the background upload, unfinished submissions."""

from __future__ import annotations

import time
import uuid
from abc import abstractmethod
from pathlib import Path

from textual import work

from tui.dialogs.jobs.new_job import NewJob
from tui.dialogs.jobs.train_here import TrainHere, local_request
from tui.domain.jobs.descriptions import job_name
from tui.domain.jobs.view import JobView
from tui.domain.submission.job_request import JobRequest
from tui.domain.text import preview
from tui.screens.jobs.actions import JobActions
from tui.screens.jobs.board import JobBoard
from tui.screens.jobs.messages import JobRecovered, JobRefused, JobSubmitted, JobUnderway
from tui.services.container import Services
from tui.services.errors import FtuiError, OrganisationRefused
from tui.services.progress import describe_progress

_PROGRESS_SECONDS = 0.5
"""Seconds between two progress messages, to save bytes on a slow link."""


class JobStarting(JobActions):
    """The part of the Jobs screen that starts jobs."""

    def __init__(self, services: Services, board: JobBoard) -> None:
        super().__init__(services, board)
        self._progress: dict[str, str] = {}
        self._refused: list[JobRefused] = []

    @property
    @abstractmethod
    def in_sight(self) -> bool:
        """Whether the list or one of its jobs is shown."""

    @abstractmethod
    def add_job(self, view: JobView, *, opened: bool) -> None:
        """Add a new job to the list, and open it where it was just started."""

    @abstractmethod
    def redraw(self) -> None:
        """Show the current state."""

    def progress_text(self) -> str:
        """The progress of the jobs that are being created; empty where there is none."""
        return " · ".join(self._progress.values())

    def offer_job(
        self,
        path: Path | None,
        request: JobRequest | None = None,
        *,
        validation: Path | None = None,
    ) -> None:
        """Open the form for a new job.

        Args:
            path: the training file to suggest.
            request: an earlier request to start from.
            validation: the validation file to suggest.
        """
        form = NewJob(self.services, path, request, validation)
        self.app.push_screen(form, self._submit_form)

    def offer_refused_jobs(self) -> None:
        """Open the form for each job that was refused while another step was shown."""
        refused, self._refused = self._refused, []
        for message in refused:
            self._offer_refused_job(message.request, message.error)

    def _submit_form(self, request: JobRequest | None) -> None:
        if request:
            key = uuid.uuid4().hex
            self._progress[key] = f"Checking {preview(request.training_name, 40)} …"
            self.redraw()
            self._start(key, request)

    @work(group="submit", exit_on_error=False)
    async def _start(self, key: str, request: JobRequest) -> None:
        """Check, split and upload the files and create the job, with its progress."""
        next_at = time.monotonic()

        def report_progress(text: str) -> None:
            nonlocal next_at
            if time.monotonic() >= next_at:
                next_at = time.monotonic() + _PROGRESS_SECONDS
                self.post_message(JobUnderway(key, text))

        try:
            ready = await self.services.training_files.prepare(
                request,
                lambda now: report_progress(f"Preparing the files: {now.label} {now.share:.0%}"),
            )
            request = ready.request  # with its split, which is not made again if the job is refused
            self.post_message(JobUnderway(key, f"Creating the job at {request.provider} …"))
            view = await self.services.jobs.submit(
                request, ready.stamps, lambda now: report_progress(describe_progress(now))
            )
        except FtuiError as error:
            self.post_message(JobRefused(key, request, error))
        else:
            self.post_message(JobSubmitted(key, view))

    @work(group="recover", exit_on_error=False)
    async def recover_jobs(self) -> None:
        """Recover the jobs that were being created when ftui was closed."""
        try:
            for recovered in await self.services.jobs.recover():
                if recovered.view:
                    self.post_message(JobRecovered(recovered.view))
                elif recovered.error:
                    self.post_message(JobRefused("", recovered.request, recovered.error))
        except FtuiError as error:
            self.show_error(error)

    def on_job_underway(self, message: JobUnderway) -> None:
        """Show the progress of a new job."""
        if message.key in self._progress:
            self._progress[message.key] = message.text
            self.redraw()

    def on_job_submitted(self, message: JobSubmitted) -> None:
        """Open the new job."""
        self._progress.pop(message.key, None)
        self.add_job(message.view, opened=True)

    def on_job_recovered(self, message: JobRecovered) -> None:
        """Show that a job was created before ftui was closed."""
        self.add_job(message.view, opened=False)
        text = f"{job_name(message.view)} was created before ftui was closed."
        self.notify(text, markup=False, timeout=10)

    def on_job_refused(self, message: JobRefused) -> None:
        """Show why, and open the form with the same request."""
        self._progress.pop(message.key, None)
        self.redraw()
        self._refused.append(message)
        if self.in_sight:
            self.offer_refused_jobs()
        else:
            self.show_error(message.error)

    def _offer_refused_job(self, request: JobRequest, error: FtuiError) -> None:
        """Open the form again; where OpenAI takes no jobs, first offer to train on this machine."""
        here = local_request(request, self.services.settings)
        if here is None or not isinstance(error, OrganisationRefused):
            self.offer_job(None, request)
            # A screen clears its notices when a dialog covers it.
            self.call_later(self.show_error, error)
            return
        self.app.push_screen(
            TrainHere(error, here),
            lambda trains_here: self.offer_job(None, here if trains_here else request),
        )

    def worker_failed(self, error: FtuiError) -> None:
        """Drop the progress that will not continue."""
        self._progress = {}
        self.redraw()
        super().worker_failed(error)
