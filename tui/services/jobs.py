"""Jobs: submit, list, watch, cancel; what was seen of them is in the workspace for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tui.domain.job_records import Record, is_terminal, status_record
from tui.domain.job_request import JobRequest
from tui.domain.runs import JobView, Run
from tui.domain.text import preview
from tui.domain.upload_progress import Tell, tell_nobody
from tui.services.asking_again import request_again
from tui.services.engine_process import EngineProcess
from tui.services.errors import (
    EngineUnavailable,
    FtuiError,
    InputError,
    NotFound,
    ProviderError,
)
from tui.services.job_log import JobLog, recorded_jobs
from tui.services.job_pages import job_pages
from tui.services.job_watch import JobWatch, Seen, fetch_job
from tui.services.polling import Clock
from tui.services.providers import Providers
from tui.services.row_file import Stamp
from tui.services.submission import Settled, Submissions
from tui.services.workspace import Workspace
from tui.settings import LOCAL, Settings

_LIST_SECONDS = 15.0

Steering = Literal["cancel", "pause", "resume"]


@dataclass(frozen=True, slots=True)
class JobList:
    """The jobs of all providers, and which providers could not be asked.

    Attributes:
        views: latest first.
        troubles: by provider, why it was not asked; its recorded jobs are among the views.
    """

    views: tuple[JobView, ...]
    troubles: Mapping[str, FtuiError]


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
        tell: Tell = tell_nobody,
    ) -> JobView:
        """Upload the files, create the job once, record it; see `Submissions.submit`."""
        return await self._submissions.submit(request, stamps or {}, tell)

    async def settle(self) -> list[Settled]:
        """What became of jobs that ftui was creating when it was ended."""
        return await self._submissions.settle()

    async def recorded(self) -> tuple[JobView, ...]:
        """The jobs that the workspace has seen, latest first; no server is asked.

        Raises:
            FileError: a log cannot be read.
        """
        views = [await log.view() for log in await recorded_jobs(self._workspace)]
        return _latest_first(views)

    async def list_jobs(self) -> JobList:
        """The jobs of every provider in use and those recorded, latest first.

        Asked are the default provider, those with recorded jobs, and those in the config file. The
        local engine is started for this only if a recorded job of its has not ended.

        Raises:
            FileError: a log cannot be read.
        """
        recorded = {(view.provider, view.id): view for view in await self.recorded()}
        names = await self._in_use({provider for provider, _ in recorded})
        answers = await asyncio.gather(*(self._listed(name, recorded) for name in names))
        troubles = {}
        for name, answer in zip(names, answers, strict=True):
            if isinstance(answer, FtuiError):
                troubles[name] = answer
                continue
            for job in answer:
                key = name, job["id"]
                if not (key in recorded and recorded[key].terminal):
                    recorded[key] = await self._merged(name, job, recorded.get(key))
        return JobList(_latest_first(list(recorded.values())), troubles)

    def follow(self, provider: str, job: str) -> AsyncGenerator[Seen, None]:
        """Look at a job again and again until it has ended; see `JobWatch.follow`."""
        return JobWatch(self._providers, self._log(provider, job), self._clock).follow()

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

    async def request_of(self, provider: str, job: str) -> JobRequest | None:
        """What this workspace asked for; None for a job that was started elsewhere.

        Raises:
            FileError: the record cannot be read.
        """
        file = await self._log(provider, job).file()
        return file.request if file else None

    async def request_again(self, provider: str, job: str) -> JobRequest:
        """What a job asked for, to be asked for with changes; see `asking_again`."""
        return await request_again(self._providers, self._log(provider, job))

    async def steer(self, provider: str, job: str, verb: Steering) -> JobView:
        """Cancel, pause or resume a job, and record how it stands then.

        Raises:
            NotFound: the server does not know the job, or the verb.
            ProviderError: the server refuses.
        """
        client = await self._providers.client(provider)
        jobs = client.with_options(max_retries=0).fine_tuning.jobs.with_raw_response
        call: Callable[[str], Awaitable[Any]] = getattr(jobs, verb)
        with self._providers.explained():
            await call(job)
            body = await fetch_job(client, provider, job)
        log = self._log(provider, job)
        status = status_record(body, provider, self.now())
        if status["status"] not in ("succeeded", "failed", "cancelled"):
            await log.append([status])
            return await log.view()
        # The watch writes the end, after the last events, so that nothing follows it.
        run = Run(provider, job)
        for record in [*await log.records(), status]:
            run.add(record)
        return run.view()

    async def resolve(self, name: str) -> JobView:
        """The job that a person means by an id, the beginning of one, or `last`.

        Raises:
            NotFound: there is none.
            InputError: there are several.
        """
        recorded = await self.recorded()
        exact = [view for view in recorded if view.id == name]
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

    async def _in_use(self, recorded: set[str]) -> list[str]:
        used = {LOCAL, self._settings.provider, *recorded}
        configured = set(self._settings.providers) - {"openai"}
        known = [name for name in self._providers.names if name in used | configured]
        return [name for name in known if name in used or await self._providers.has_key(name)]

    async def _listed(
        self, provider: str, recorded: Mapping[tuple[str, str], JobView]
    ) -> list[dict[str, Any]] | FtuiError:
        """A provider's jobs, or why they are not known."""
        going = any(key[0] == provider and not view.terminal for key, view in recorded.items())
        try:
            if provider != LOCAL or going:
                client = await self._providers.client(provider)
            elif (await self.engine.status()).running:
                client = await self._providers.existing_client(provider)
            else:
                return []
            with self._providers.explained():
                client = client.with_options(max_retries=0, timeout=_LIST_SECONDS)
                return await job_pages(client, provider)
        except FtuiError as error:
            return error

    async def _merged(
        self, provider: str, job: dict[str, Any], recorded: JobView | None
    ) -> JobView:
        """A job as the server's list tells it, with what is recorded of it."""
        if recorded and is_terminal(str(job.get("status"))):
            # It ended while nobody watched: its last events are taken into the record.
            with suppress(ProviderError, NotFound, EngineUnavailable):
                async with aclosing(self.follow(provider, job["id"])) as looks:
                    async for seen in looks:
                        if seen.contact.trouble:
                            break
        run = Run(provider, job["id"])
        for record in await self._log(provider, job["id"]).records():
            run.add(record)
        run.add(status_record(job, provider, self.now()))
        return run.view()


def _latest_first(views: list[JobView]) -> tuple[JobView, ...]:
    return tuple(
        sorted(views, key=lambda view: view.created_at or view.updated_at or 0.0, reverse=True)
    )
