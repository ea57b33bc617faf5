"""All jobs of all providers: those recorded in the workspace, and those on the servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass

from tui.domain.jobs.records import is_terminal, status_record
from tui.domain.jobs.view import JobView
from tui.domain.providers.kinds import LOCAL
from tui.domain.text import preview
from tui.services.clock import Clock
from tui.services.errors import (
    EngineUnavailable,
    FtuiError,
    InputError,
    NotFound,
    ProviderError,
)
from tui.services.providers.job_objects import list_jobs
from tui.services.providers.providers import Providers
from tui.services.watching.poll_priority import PollControl
from tui.services.watching.poll_schedule import LOCAL_INTERVALS, REMOTE_INTERVALS
from tui.services.watching.rate_limiter import JobsById, RateLimiter
from tui.services.watching.watch import JobWatch
from tui.services.workspace.job_log import JobLog, recorded_jobs
from tui.services.workspace.workspace import Workspace
from tui.settings import Settings

_LIST_SECONDS = 15.0

JobKey = tuple[str, str]
"""Provider and id, which together identify a job."""


@dataclass(frozen=True, slots=True)
class JobListing:
    """The jobs of all providers, and which providers did not answer.

    Attributes:
        views: newest first.
        errors: by provider, why it has no list; its recorded jobs are among the views.
        answered: providers that listed their jobs.
    """

    views: tuple[JobView, ...]
    errors: Mapping[str, FtuiError]
    answered: frozenset[str] = frozenset()


class JobCatalog:
    """Lists jobs and makes their watches; each log is read only once."""

    def __init__(
        self, settings: Settings, workspace: Workspace, providers: Providers, clock: Clock
    ) -> None:
        """Start with nothing read; no request is sent yet.

        Args:
            settings: for the default provider.
            workspace: where jobs are recorded.
            providers: the servers.
            clock: time, sleep and randomness.
        """
        self._settings = settings
        self._workspace = workspace
        self._providers = providers
        self._clock = clock
        self._limiters: dict[str, RateLimiter] = {}
        self._logs: dict[JobKey, JobLog] = {}
        self._reading = asyncio.Lock()

    async def recorded(self, job: str | None = None) -> tuple[JobView, ...]:
        """The jobs recorded in the workspace, newest first; no request is sent.

        Args:
            job: read only the logs of jobs with this id.

        Raises:
            FileError: a log cannot be read.
        """
        logs = await recorded_jobs(self._workspace)
        return _newest_first(
            [(await self._read(log)).view() for log in logs if job in (None, log.job)]
        )

    async def list_all(self) -> JobListing:
        """The recorded jobs and those of every provider in use, once all have answered.

        Raises:
            FileError: a log cannot be read.
        """
        async with aclosing(self.stream()) as listings:
            *_, listing = [listing async for listing in listings]
        return listing

    async def stream(self) -> AsyncGenerator[JobListing, None]:
        """Yield the same after each provider's answer, so that a slow one delays no other.

        The providers are the default one, those with recorded jobs, and those in the config file.
        The local engine is only started for this where a recorded job of its is active.

        Raises:
            FileError: a log cannot be read.
        """
        views = {(view.provider, view.id): view for view in await self.recorded()}
        names = await self._in_use({provider for provider, _ in views})
        tasks = [asyncio.ensure_future(self._fetch(name, dict(views))) for name in names]
        answered: set[str] = set()
        errors: dict[str, FtuiError] = {}
        try:
            for task in asyncio.as_completed(tasks):
                name, result = await task
                if isinstance(result, FtuiError):
                    errors[name] = result
                else:
                    answered.add(name)
                    views |= result
                newest_first = _newest_first(list(views.values()))
                yield JobListing(newest_first, dict(errors), frozenset(answered))
        finally:
            for pending in tasks:
                pending.cancel()

    def watch(self, provider: str, job: str, control: PollControl) -> JobWatch:
        """Make a watch of one job.

        Args:
            provider: the job's provider.
            job: its id.
            control: its poll priority.
        """
        log = JobLog(self._workspace, provider, job)
        return JobWatch(self._providers, log, self._clock, self._limiter(provider), control)

    async def _fetch(
        self, name: str, recorded: Mapping[JobKey, JobView]
    ) -> tuple[str, dict[JobKey, JobView] | FtuiError]:
        """A provider's jobs that are not recorded to their end, or why they are unavailable."""
        jobs = await self._list(name, recorded)
        if isinstance(jobs, FtuiError):
            return name, jobs
        views = {}
        for job in jobs:
            view = recorded.get((name, job))
            if view is None or not view.terminal:
                views[name, job] = await self._merge(name, job, jobs, view)
        return name, views

    async def _read(self, log: JobLog) -> JobLog:
        """Read a job's log to its end; returns the one that is kept."""
        key = log.provider, log.job
        async with self._reading:
            # A log whose reading was interrupted is read again from its start.
            log = self._logs.pop(key, log)
            await log.load()
            self._logs[key] = log
        return log

    def _limiter(self, provider: str) -> RateLimiter:
        if provider not in self._limiters:
            intervals = LOCAL_INTERVALS if provider == LOCAL else REMOTE_INTERVALS
            self._limiters[provider] = RateLimiter(
                intervals, self._clock, lambda: self._request_list(provider)
            )
        return self._limiters[provider]

    async def _request_list(self, provider: str) -> JobsById:
        client = await self._providers.existing_client(provider)
        client = client.with_options(max_retries=0, timeout=_LIST_SECONDS)
        with self._providers.explain_errors():
            return {job["id"]: job for job in await list_jobs(client, provider)}

    async def _in_use(self, recorded: set[str]) -> list[str]:
        used = {LOCAL, self._settings.provider, *recorded}
        configured = set(self._settings.providers) - {"openai"}
        names = [name for name in self._providers.names if name in used | configured]
        return [name for name in names if name in used or await self._providers.has_key(name)]

    async def _list(
        self, provider: str, recorded: Mapping[JobKey, JobView]
    ) -> JobsById | FtuiError:
        """A provider's jobs, or why they are unavailable."""
        active = any(key[0] == provider and not view.terminal for key, view in recorded.items())
        try:
            if provider == LOCAL and active:
                await self._providers.engine.ensure_running()
            elif provider == LOCAL and not (await self._providers.engine.status()).running:
                return {}
            return await self._limiter(provider).list_jobs()
        except FtuiError as error:
            return error

    async def _merge(
        self, provider: str, job: str, jobs: JobsById, recorded: JobView | None
    ) -> JobView:
        """A job by the server's list, with what is recorded of it."""
        if recorded and is_terminal(str(jobs[job].get("status"))):
            # It ended while nobody watched: record its last events.
            with suppress(ProviderError, NotFound, EngineUnavailable):
                async with aclosing(self.watch(provider, job, PollControl()).follow()) as updates:
                    async for update in updates:
                        if update.connection.error:
                            break
        log = await self._read(JobLog(self._workspace, provider, job))
        return log.view_with(status_record(jobs[job], provider, self._clock.now()))


def find_job(views: Sequence[JobView], name: str) -> JobView:
    """Find a job by its id or a unique prefix of it.

    Raises:
        NotFound: there is none.
        InputError: there are several.
    """
    matches = [view for view in views if view.id == name] or [
        view for view in views if name and view.id.startswith(name)
    ]
    if not matches:
        raise NotFound(f"There is no job {preview(name, 80)}.", "List the jobs with: ftui jobs")
    if len(matches) > 1:
        ids = ", ".join(view.id for view in matches[:5])
        raise InputError(
            f"Several job ids begin with {preview(name, 80)}: {ids}.", "Use a longer prefix."
        )
    return matches[0]


def _newest_first(views: list[JobView]) -> tuple[JobView, ...]:
    return tuple(
        sorted(views, key=lambda view: view.created_at or view.updated_at or 0.0, reverse=True)
    )
