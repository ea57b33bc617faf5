"""Submits jobs: uploads the files, creates the job exactly once, records it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui.domain.jobs.records import status_record
from tui.domain.jobs.view import JobView
from tui.domain.submission.job_request import JobRequest
from tui.services.clock import Clock
from tui.services.errors import EngineUnavailable, FtuiError, ProviderError, ProviderTrouble
from tui.services.progress import OnProgress, ignore_progress
from tui.services.providers.providers import Providers
from tui.services.reading.row_file import Stamp
from tui.services.submission.job_creation import CHECK_FIRST, Creation, CreationUncertain, Files
from tui.services.submission.pending_jobs import PendingJob, abandoned_jobs, open_record
from tui.services.submission.uploading import Uploader
from tui.services.workspace.job_log import JobFile, JobLog
from tui.services.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class RecoveredJob:
    """The outcome of a job whose creation was interrupted.

    Attributes:
        request: the job.
        view: its view, if it was created.
        error: why it was not, or that this is unknown.
    """

    request: JobRequest
    view: JobView | None = None
    error: FtuiError | None = None


class Submissions:
    """Creates jobs at any provider, each once."""

    def __init__(self, providers: Providers, workspace: Workspace, clock: Clock) -> None:
        self._providers = providers
        self._workspace = workspace
        self._clock = clock

    async def submit(
        self,
        request: JobRequest,
        stamps: Mapping[Path, Stamp],
        on_progress: OnProgress = ignore_progress,
    ) -> JobView:
        """Upload the files, create the job, record it.

        The request is recorded in the workspace first, so that the next start of ftui can find a
        job whose creation was interrupted.

        Args:
            request: the job.
            stamps: of its files when they were checked.
            on_progress: gets the progress of the upload.

        Raises:
            FileError: a file cannot be read, or changed since it was checked.
            InputError: a file is empty, or there is no such provider.
            CreationUncertain: it is unknown whether the job was created.
            ProviderError: the server refused.
            EngineMissing: `local`, and the extra is not installed.
            EngineUnavailable: `local`, and the engine cannot be started.
        """
        pending = PendingJob(nonce=uuid.uuid4().hex, request=request)
        async with open_record(self._workspace, pending) as record:
            try:
                files = await self._upload(request, stamps, on_progress)
                job = await self._creation(pending).create(record, files)
            except CreationUncertain:
                await record.mark_reported()
                raise
            except FtuiError:
                record.delete()
                raise
            view = await self._record(pending, job)
            record.delete()
            return view

    async def recover(self) -> list[RecoveredJob]:
        """Find the outcome of the jobs whose creation was interrupted.

        Jobs whose server does not answer are left for the next time.

        Raises:
            FileError: the workspace cannot be read or written.
        """
        recovered = []
        async with abandoned_jobs(self._workspace) as abandoned:
            for record, pending in abandoned:
                try:
                    job = await self._recover(pending)
                except (ProviderTrouble, EngineUnavailable):
                    continue
                except FtuiError as error:
                    job = RecoveredJob(pending.request, error=error)
                    await record.mark_reported()
                else:
                    record.delete()
                if job.view or not pending.told:
                    recovered.append(job)
        return recovered

    async def _recover(self, pending: PendingJob) -> RecoveredJob:
        request = pending.request
        if not pending.asked:
            error = ProviderError("ftui quit before the job was created.", "Start it again.")
            return RecoveredJob(request, error=error)
        if not pending.marked:
            message = "ftui quit while the job was being created; it may have been created."
            return RecoveredJob(request, error=CreationUncertain(message, CHECK_FIRST))
        job = await self._creation(pending).find()
        if job:
            return RecoveredJob(request, await self._record(pending, job))
        error = ProviderError(
            "ftui quit while the job was being created, and it is not in the list of jobs at "
            f"{request.provider}.",
            "Start it again.",
        )
        return RecoveredJob(request, error=error)

    async def _upload(
        self, request: JobRequest, stamps: Mapping[Path, Stamp], on_progress: OnProgress
    ) -> Files:
        marked = self._providers.server(request.provider).byte_order_mark
        uploader = Uploader(
            self._providers, self._workspace, self._clock, request.provider, on_progress
        )

        async def upload(path: Path | None) -> str | None:
            if path is None:
                return None
            return await uploader.send(path, marked=marked, stamp=stamps.get(path))

        training = request.training_file_id or await upload(request.training_file)
        assert training is not None  # a request has one of the two
        return training, request.validation_file_id or await upload(request.validation_file)

    def _creation(self, pending: PendingJob) -> Creation:
        return Creation(self._providers, self._clock, pending)

    async def _record(self, pending: PendingJob, job: dict[str, Any]) -> JobView:
        """Record the request and the status of a created job."""
        request = pending.request
        status = status_record(job, request.provider, self._clock.now())
        status["model"] = status["model"] or request.model
        status["suffix"] = status["suffix"] or request.suffix
        log = JobLog(self._workspace, request.provider, job["id"])
        await log.save_job_file(
            JobFile(
                provider=request.provider,
                id=job["id"],
                created_at=status["created_at"] or self._clock.now(),
                nonce=pending.nonce,
                request=request,
            )
        )
        await log.append([status])
        return await log.load()
