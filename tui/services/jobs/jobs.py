"""Jobs: submit, list, watch, cancel; what was seen of them is in the workspace for ever."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tui.domain.jobs.records import Record, is_terminal, status_record
from tui.domain.jobs.view import JobView
from tui.domain.submission.job_request import JobRequest
from tui.domain.text import preview
from tui.services.clock import Clock
from tui.services.errors import (
    CannotSteer,
    InputError,
    NotFound,
)
from tui.services.progress import OnProgress, ignore_progress
from tui.services.providers.engine_process import EngineProcess
from tui.services.providers.job_objects import fetch_job
from tui.services.providers.providers import Providers
from tui.services.reading.row_file import Stamp
from tui.services.submission.resubmission import request_again
from tui.services.submission.submission import Settled, Submissions
from tui.services.watching.job_list import JobList, JobLists
from tui.services.watching.poll_priority import Attention
from tui.services.watching.watch import Seen
from tui.services.workspace.job_log import JobLog
from tui.services.workspace.workspace import Workspace
from tui.settings import Settings

if TYPE_CHECKING:
    import openai

_NO_SUCH_WAY = (404, 405, 501)
"""How servers answer on a path that they do not have."""

Steering = Literal["cancel", "pause", "resume"]


class Jobs:
    """Nouns and verbs of fine-tuning jobs, over every provider."""

    def __init__(
        self,
        settings: Settings,
        workspace: Workspace,
        providers: Providers,
        clock: Clock | None = None,
    ) -> None:
        """Args name what jobs need.

        Args:
            settings: for the provider that is asked by default.
            workspace: where what was seen is kept.
            providers: the servers.
            clock: time, sleep and chance.
        """
        self._settings = settings
        self._workspace = workspace
        self._providers = providers
        self._clock = clock or Clock()
        self._lists = JobLists(settings, workspace, providers, self._clock)
        self._submissions = Submissions(providers, workspace, self._clock)

    @property
    def engine(self) -> EngineProcess:
        """The embedded engine's process."""
        return self._providers.engine

    def now(self) -> float:
        """The time, in Unix seconds, by which ages and times left are told."""
        return self._clock.now()

    async def submit(
        self,
        request: JobRequest,
        stamps: Mapping[Path, Stamp] | None = None,
        on_progress: OnProgress = ignore_progress,
    ) -> JobView:
        """Upload the files, create the job once, record it; see `Submissions.submit`."""
        return await self._submissions.submit(request, stamps or {}, on_progress)

    async def settle(self) -> list[Settled]:
        """What became of jobs that ftui was creating when it was ended."""
        return await self._submissions.settle()

    async def recorded(self) -> tuple[JobView, ...]:
        """The jobs that the workspace has seen, latest first; no server is asked.

        Raises:
            FileError: a log cannot be read.
        """
        return await self._lists.recorded()

    async def list_jobs(self) -> JobList:
        """The jobs of every provider in use and those recorded, latest first; see `JobLists`."""
        return await self._lists.all()

    def lists(self) -> AsyncGenerator[JobList, None]:
        """The same, anew whenever a provider has answered; see `JobLists`."""
        return self._lists.growing()

    def follow(
        self, provider: str, job: str, attention: Attention | None = None
    ) -> AsyncGenerator[Seen, None]:
        """Look at a job again and again until it has ended; see `JobWatch.follow`.

        Args:
            provider: whose job it is.
            job: its id.
            attention: how closely it is looked at, now and later; as the open job unless given.
        """
        return self._lists.watch(provider, job, attention or Attention()).follow()

    async def watch(self, provider: str, job: str) -> AsyncIterator[Record]:
        """Every record of a job, oldest first, each once, until it has ended.

        Raises:
            FtuiError: as `follow`.
        """
        async for seen in self.follow(provider, job):
            for record in seen.records:
                yield record

    async def history(self, provider: str, job: str) -> JobView:
        """What was seen of a job; no server is asked.

        Raises:
            FileError: its log cannot be read.
        """
        return await self._log(provider, job).view()

    async def request_again(self, provider: str, job: str) -> JobRequest:
        """What a job asked for, to be asked for with changes; see `asking_again`."""
        return await request_again(self._providers, self._log(provider, job))

    async def stands(self, provider: str, job: str) -> JobView:
        """Ask how a job stands, and record it.

        Raises:
            NotFound: the server does not know the job.
            ProviderError: the server refuses, or does not answer.
        """
        client = (await self._providers.client(provider)).with_options(max_retries=0)
        with self._providers.explained():
            return await self._taken_in(client, provider, job)

    async def steer(self, provider: str, job: str, verb: Steering) -> JobView:
        """Cancel, pause or resume a job, and record how it stands then.

        Raises:
            NotFound: the server does not know the job.
            CannotSteer: the server knows the job, but not the verb.
            ProviderError: the server refuses.
        """
        import openai

        client = (await self._providers.client(provider)).with_options(max_retries=0)
        jobs = client.fine_tuning.jobs.with_raw_response
        call: Callable[..., Awaitable[Any]] = getattr(jobs, verb)
        with self._providers.explained():
            try:
                await call(job, extra_body=self._providers.steering_body(provider))
            except openai.APIStatusError as error:
                if error.status_code not in _NO_SUCH_WAY:
                    raise
                await fetch_job(client, provider, job)
                # The job is there, so it is the way to steer it that is not.
                raise CannotSteer(
                    f"The provider {preview(provider, 60)} cannot {verb} a job: it has no "
                    f"POST /fine_tuning/jobs/{{id}}/{verb}."
                ) from error
            return await self._taken_in(client, provider, job)

    async def _taken_in(self, client: openai.AsyncOpenAI, provider: str, job: str) -> JobView:
        """How the server says that a job stands now, with all that is recorded of it."""
        body = await fetch_job(client, provider, job)
        history = self._log(provider, job).history()
        async for _ in history.read():
            pass
        status = status_record(body, provider, self.now(), history.newest or None)
        # The watch writes the end, after the last events, so that nothing follows it.
        if not (is_terminal(str(status["status"])) or history.says_the_same(status)):
            await history.add([status])
        return history.view_with(status)

    async def resolve(self, name: str) -> JobView:
        """The job that a person means by an id, the beginning of one, or `last`.

        Raises:
            NotFound: there is none.
            InputError: there are several.
        """
        exact = await self._lists.recorded(name)
        if len(exact) == 1:
            return exact[0]
        listed = await self.list_jobs()
        if name == "last" and listed.views:
            return listed.views[0]
        found = [view for view in listed.views if view.id == name] or [
            view for view in listed.views if name and view.id.startswith(name)
        ]
        if not found:
            for trouble in listed.troubles.values():
                raise trouble
            raise NotFound(f"There is no job {preview(name, 80)}.", "List the jobs with: ftui jobs")
        if len(found) > 1:
            ids = ", ".join(view.id for view in found[:5])
            raise InputError(f"Several jobs begin with {preview(name, 80)}: {ids}.", "Give more.")
        return found[0]

    def _log(self, provider: str, job: str) -> JobLog:
        return JobLog(self._workspace, provider, job)
