"""Starting jobs from the list: the form, the upload in the background, what was left half done."""

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
from tui.screens.jobs.messages import JobFound, JobRefused, JobSubmitted, JobUnderway
from tui.services.container import Services
from tui.services.errors import FtuiError, OrganisationRefused
from tui.services.progress import describe_progress

_TELL_SECONDS = 0.5
"""Seconds between two tellings of how far an upload is: a slow link carries each."""


class JobStarting(JobActions):
    """The part of the screen Jobs that starts jobs."""

    def __init__(self, services: Services, board: JobBoard) -> None:
        super().__init__(services, board)
        self._underway: dict[str, str] = {}
        self._to_offer: list[JobRefused] = []

    @property
    @abstractmethod
    def in_sight(self) -> bool:
        """Whether the list is shown, or one of its jobs."""

    @abstractmethod
    def take_up(self, view: JobView, *, opened: bool) -> None:
        """Take a new job into the list, and where it was just started open it."""

    @abstractmethod
    def redraw(self) -> None:
        """Bring the screen in line with its state."""

    def underway_words(self) -> str:
        """How far the jobs are that are being started; empty where there is none."""
        return " · ".join(self._underway.values())

    def offer_job(
        self,
        path: Path | None,
        request: JobRequest | None = None,
        *,
        validation: Path | None = None,
    ) -> None:
        """Open the form for a new job.

        Args:
            path: the training file that is offered.
            request: an earlier request, to be changed.
            validation: the validation file that is offered.
        """
        form = NewJob(self.services, path, request, validation)
        self.app.push_screen(form, self._start_if_given)

    def offer_left(self) -> None:
        """Offer the requests again that failed while nobody looked."""
        refused, self._to_offer = self._to_offer, []
        for one in refused:
            self._offer_again(one.request, one.error)

    def _start_if_given(self, request: JobRequest | None) -> None:
        if request:
            key = uuid.uuid4().hex
            self._underway[key] = f"Checking {preview(request.training_name, 40)} …"
            self.redraw()
            self._start(key, request)

    @work(group="submit", exit_on_error=False)
    async def _start(self, key: str, request: JobRequest) -> None:
        """Check, split, upload and create, and tell how far that is."""
        next_at = time.monotonic()

        def report_progress(words: str) -> None:
            nonlocal next_at
            if time.monotonic() >= next_at:
                next_at = time.monotonic() + _TELL_SECONDS
                self.post_message(JobUnderway(key, words))

        try:
            ready = await self.services.training_files.prepare(
                request,
                lambda now: report_progress(f"Preparing the files: {now.label} {now.share:.0%}"),
            )
            request = ready.request  # a split is not made again where the job is refused
            self.post_message(JobUnderway(key, f"Creating a job at {request.provider} …"))
            view = await self.services.jobs.submit(
                request, ready.stamps, lambda now: report_progress(describe_progress(now))
            )
        except FtuiError as error:
            self.post_message(JobRefused(key, request, error))
        else:
            self.post_message(JobSubmitted(key, view))

    @work(group="recover", exit_on_error=False)
    async def recover_jobs(self) -> None:
        """Find the jobs on which an ended ftui was at work."""
        try:
            for one in await self.services.jobs.recover():
                if one.view:
                    self.post_message(JobFound(one.view))
                elif one.error:
                    self.post_message(JobRefused("", one.request, one.error))
        except FtuiError as error:
            self.show_error(error)

    def on_job_underway(self, message: JobUnderway) -> None:
        """Say how far a job is on its way."""
        if message.key in self._underway:
            self._underway[message.key] = message.words
            self.redraw()

    def on_job_submitted(self, message: JobSubmitted) -> None:
        """Open the new job."""
        self._underway.pop(message.key, None)
        self.take_up(message.view, opened=True)

    def on_job_found(self, message: JobFound) -> None:
        """Say that a job was created of which nobody heard."""
        self.take_up(message.view, opened=False)
        said = f"{job_name(message.view)} was created before ftui was ended; it is in the list."
        self.notify(said, markup=False, timeout=10)

    def on_job_refused(self, message: JobRefused) -> None:
        """Say why, and offer the same job again."""
        self._underway.pop(message.key, None)
        self.redraw()
        self._to_offer.append(message)
        if self.in_sight:
            self.offer_left()
        else:
            self.show_error(message.error)

    def _offer_again(self, request: JobRequest, error: FtuiError) -> None:
        """The same form; where OpenAI takes no job any more, first the same on this machine."""
        here = local_request(request, self.services.settings)
        if here is None or not isinstance(error, OrganisationRefused):
            self.offer_job(None, request)
            # A screen that a dialog covers clears what was told before.
            self.call_later(self.show_error, error)
            return
        self.app.push_screen(
            TrainHere(error, here),
            lambda trains_here: self.offer_job(None, here if trains_here else request),
        )

    def worker_failed(self, error: FtuiError) -> None:
        """Stop waiting for what will not come."""
        self._underway = {}
        self.redraw()
        super().worker_failed(error)
