"""Jobs: submit, list, watch, pause, resume, cancel; all that is seen is recorded."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tui.domain.jobs.records import Record, is_terminal, status_record
from tui.domain.jobs.view import JobView
from tui.domain.submission.job_request import JobRequest
from tui.domain.text import preview
from tui.services.clock import Clock
from tui.services.errors import CannotSteer, NotFound
from tui.services.progress import OnProgress, ignore_progress
from tui.services.providers.engine_process import EngineProcess
from tui.services.providers.job_objects import fetch_job
from tui.services.providers.providers import Providers
from tui.services.reading.row_file import Stamp
from tui.services.submission.resubmission import load_request
from tui.services.submission.submission import RecoveredJob, Submissions
from tui.services.watching.job_list import JobCatalog, JobListing, find_job
from tui.services.watching.poll_priority import PollControl
from tui.services.watching.watch import JobUpdate
from tui.services.workspace.job_log import JobLog
from tui.services.workspace.workspace import Workspace
from tui.settings import Settings

if TYPE_CHECKING:
    import openai

_NO_ENDPOINT = (404, 405, 501)
"""Status codes of servers that lack an endpoint."""

Steering = Literal["cancel", "pause", "resume"]


class Jobs:
    """Fine-tuning jobs of every provider."""

    def __init__(
        self,
        settings: Settings,
        workspace: Workspace,
        providers: Providers,
        clock: Clock | None = None,
    ) -> None:
        """Create the service; nothing is read yet, and no request is sent.

        Args:
            settings: for the default provider.
            workspace: where jobs are recorded.
            providers: the servers.
            clock: time, sleep and randomness.
        """
        self._settings = settings
        self._workspace = workspace
        self._providers = providers
        self._clock = clock or Clock()
        self._catalog = JobCatalog(settings, workspace, providers, self._clock)
        self._submissions = Submissions(providers, workspace, self._clock)

    @property
    def engine(self) -> EngineProcess:
        """The embedded engine's process."""
        return self._providers.engine

    def now(self) -> float:
        """The current time in Unix seconds, for ages and times left."""
        return self._clock.now()

    async def submit(
        self,
        request: JobRequest,
        stamps: Mapping[Path, Stamp] | None = None,
        on_progress: OnProgress = ignore_progress,
    ) -> JobView:
        """Upload the files, create the job once, record it; see `Submissions.submit`."""
        return await self._submissions.submit(request, stamps or {}, on_progress)

    async def recover(self) -> list[RecoveredJob]:
        """Find out whether jobs that were being created when ftui ended exist."""
        return await self._submissions.recover()

    async def recorded(self) -> tuple[JobView, ...]:
        """The jobs recorded in the workspace, newest first; no request is sent.

        Raises:
            FileError: a log cannot be read.
        """
        return await self._catalog.recorded()

    async def list_jobs(self) -> JobListing:
        """The recorded jobs and those of every provider in use; see `JobCatalog.list_all`."""
        return await self._catalog.list_all()

    def stream_jobs(self) -> AsyncGenerator[JobListing, None]:
        """The same after each provider's answer; see `JobCatalog.stream`."""
        return self._catalog.stream()

    def follow(
        self, provider: str, job: str, control: PollControl | None = None
    ) -> AsyncGenerator[JobUpdate, None]:
        """Poll a job until it has ended; see `JobWatch.follow`.

        Args:
            provider: the job's provider.
            job: its id.
            control: its poll priority, now and later; as the open job unless given.
        """
        return self._catalog.watch(provider, job, control or PollControl()).follow()

    async def watch(self, provider: str, job: str) -> AsyncIterator[Record]:
        """Every record of a job, oldest first, each once, until it has ended.

        Raises:
            FtuiError: as `follow`.
        """
        async for update in self.follow(provider, job):
            for record in update.records:
                yield record

    async def recorded_view(self, provider: str, job: str) -> JobView:
        """A job as it is recorded; no request is sent.

        Raises:
            FileError: its log cannot be read.
        """
        return await self._log(provider, job).load()

    async def load_request(self, provider: str, job: str) -> JobRequest:
        """A job's request, to be submitted again with changes; see `resubmission`."""
        return await load_request(self._providers, self._log(provider, job))

    async def refresh(self, provider: str, job: str) -> JobView:
        """Fetch a job's status and record it.

        Raises:
            NotFound: the server does not know the job.
            ProviderError: the server refuses, or does not answer.
        """
        client = (await self._providers.client(provider)).with_options(max_retries=0)
        with self._providers.explain_errors():
            return await self._record_status(client, provider, job)

    async def steer(self, provider: str, job: str, verb: Steering) -> JobView:
        """Cancel, pause or resume a job, and record its new status.

        Raises:
            NotFound: the server does not know the job.
            CannotSteer: the server knows the job, but not the verb.
            ProviderError: the server refuses.
        """
        import openai

        client = (await self._providers.client(provider)).with_options(max_retries=0)
        jobs = client.fine_tuning.jobs.with_raw_response
        call: Callable[..., Awaitable[Any]] = getattr(jobs, verb)
        with self._providers.explain_errors():
            try:
                await call(job, extra_body=self._providers.steering_body(provider))
            except openai.APIStatusError as error:
                if error.status_code not in _NO_ENDPOINT:
                    raise
                await fetch_job(client, provider, job)
                # The job exists, so it is the endpoint that is missing.
                raise CannotSteer(
                    f"The provider {preview(provider, 60)} cannot {verb} a job: it has no "
                    f"POST /fine_tuning/jobs/{{id}}/{verb}."
                ) from error
            return await self._record_status(client, provider, job)

    async def _record_status(self, client: openai.AsyncOpenAI, provider: str, job: str) -> JobView:
        """The job with its status on the server, with everything recorded of it."""
        body = await fetch_job(client, provider, job)
        log = self._log(provider, job)
        await log.load()
        status = status_record(body, provider, self.now(), log.newest_at or None)
        # The watch records the end, after the last events, so that nothing follows it.
        if not (is_terminal(str(status["status"])) or log.repeats_status(status)):
            await log.add([status])
        return log.view_with(status)

    async def resolve(self, name: str) -> JobView:
        """Find a job by id, by a unique prefix of it, or as `last`.

        Raises:
            NotFound: there is none.
            InputError: there are several.
        """
        exact = await self._catalog.recorded(name)
        if len(exact) == 1:
            return exact[0]
        listing = await self.list_jobs()
        if name == "last" and listing.views:
            return listing.views[0]
        try:
            return find_job(listing.views, name)
        except NotFound:
            for error in listing.errors.values():
                raise error from None
            raise

    def _log(self, provider: str, job: str) -> JobLog:
        return JobLog(self._workspace, provider, job)
