"""Submitting a job: upload the files, create the job once and only once, record it."""

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
from tui.services.submission.job_creation import LOOK, Creation, Files, NotCertain
from tui.services.submission.pending_jobs import PendingJob, begin, left
from tui.services.submission.uploading import Uploading
from tui.services.workspace.job_log import JobFile, JobLog
from tui.services.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a job on whose creation ftui was at work when it was ended.

    Attributes:
        request: what was wanted.
        view: the job, where it was created.
        error: why it is not there, or that this is not certain.
    """

    request: JobRequest
    view: JobView | None = None
    error: FtuiError | None = None


class Submissions:
    """Creates jobs at every provider, each once."""

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

        What is about to be asked is noted in the workspace before, so that the next start of ftui
        can find a job that was created while nobody heard of it any more.

        Args:
            request: what is wanted.
            stamps: how its files were when they were checked.
            on_progress: gets the progress of the upload.

        Raises:
            FileError: a file cannot be read, or changed since it was checked.
            InputError: a file is empty, or there is no such provider.
            NotCertain: it is not clear whether the job was created.
            ProviderError: the server refused.
            EngineMissing: the local engine is asked for, and the extra is not installed.
            EngineUnavailable: the local engine cannot be started.
        """
        pending = PendingJob(nonce=uuid.uuid4().hex, request=request)
        async with begin(self._workspace, pending) as record:
            try:
                files = await self._sent(request, stamps, on_progress)
                job = await self._creation(pending).create(record, files)
            except NotCertain:
                await record.note_told()
                raise
            except FtuiError:
                record.forget()
                raise
            view = await self._recorded(pending, job)
            record.forget()
            return view

    async def settle(self) -> list[Settled]:
        """Find out what became of the jobs on which an ended ftui was at work.

        Those whose server does not answer are left for the next time.

        Raises:
            FileError: the workspace cannot be read or written.
        """
        settled = []
        async with left(self._workspace) as found:
            for record, pending in found:
                try:
                    one = await self._settled(pending)
                except (ProviderTrouble, EngineUnavailable):
                    continue
                except FtuiError as error:
                    one = Settled(pending.request, error=error)
                    await record.note_told()
                else:
                    record.forget()
                if one.view or not pending.told:
                    settled.append(one)
        return settled

    async def _settled(self, pending: PendingJob) -> Settled:
        request = pending.request
        if not pending.asked:
            ended = ProviderError("ftui was ended before the job was created.", "Start it again.")
            return Settled(request, error=ended)
        if not pending.marked:
            unclear = "ftui was ended while the job was created; it is not certain whether it was."
            return Settled(request, error=NotCertain(unclear, LOOK))
        job = await self._creation(pending).found()
        if job:
            return Settled(request, await self._recorded(pending, job))
        ended = ProviderError(
            "ftui was ended while the job was created, and the list of jobs at "
            f"{request.provider} does not hold it.",
            "Start it again.",
        )
        return Settled(request, error=ended)

    async def _sent(
        self, request: JobRequest, stamps: Mapping[Path, Stamp], on_progress: OnProgress
    ) -> Files:
        marked = self._providers.server(request.provider).byte_order_mark
        uploading = Uploading(
            self._providers, self._workspace, self._clock, request.provider, on_progress
        )

        async def sent(path: Path | None) -> str | None:
            if path is None:
                return None
            return await uploading.send(path, marked=marked, stamp=stamps.get(path))

        training = request.training_file_id or await sent(request.training_file)
        assert training is not None  # a request has one of the two
        return training, request.validation_file_id or await sent(request.validation_file)

    def _creation(self, pending: PendingJob) -> Creation:
        return Creation(self._providers, self._clock, pending)

    async def _recorded(self, pending: PendingJob, job: dict[str, Any]) -> JobView:
        """Keep what was asked for and how the job stands."""
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
