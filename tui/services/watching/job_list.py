"""All jobs of all providers: those that the workspace recorded, and those on the servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass

from tui.domain.jobs.records import is_terminal, status_record
from tui.domain.jobs.view import JobView
from tui.domain.providers.kinds import LOCAL
from tui.services.clock import Clock
from tui.services.errors import EngineUnavailable, FtuiError, NotFound, ProviderError
from tui.services.providers.job_objects import job_pages
from tui.services.providers.providers import Providers
from tui.services.watching.poll_priority import Attention
from tui.services.watching.poll_schedule import ABROAD, HERE
from tui.services.watching.rate_limiter import Listing, Traffic
from tui.services.watching.watch import JobWatch
from tui.services.workspace.job_history import JobHistory
from tui.services.workspace.job_log import JobLog, recorded_jobs
from tui.services.workspace.workspace import Workspace
from tui.settings import Settings

_LIST_SECONDS = 15.0

Key = tuple[str, str]
"""Provider and id: what makes a job one."""


@dataclass(frozen=True, slots=True)
class JobList:
    """The jobs of all providers, and which providers could not be asked.

    Attributes:
        views: latest first.
        troubles: by provider, why it was not asked; its recorded jobs are among the views.
        answered: providers that told their jobs.
    """

    views: tuple[JobView, ...]
    troubles: Mapping[str, FtuiError]
    answered: frozenset[str] = frozenset()


class JobLists:
    """Lists jobs, and makes those who watch one; what is read of a log once is not read again."""

    def __init__(
        self, settings: Settings, workspace: Workspace, providers: Providers, clock: Clock
    ) -> None:
        """Nothing is read or asked yet.

        Args:
            settings: for the provider that is asked by default.
            workspace: where what was seen is kept.
            providers: the servers.
            clock: time, sleep and chance.
        """
        self._settings = settings
        self._workspace = workspace
        self._providers = providers
        self._clock = clock
        self._traffic: dict[str, Traffic] = {}
        self._histories: dict[Key, JobHistory] = {}
        self._reading = asyncio.Lock()

    async def recorded(self, job: str | None = None) -> tuple[JobView, ...]:
        """The jobs that the workspace has seen, latest first; no server is asked.

        Args:
            job: read only the logs of jobs with this id.

        Raises:
            FileError: a log cannot be read.
        """
        logs = await recorded_jobs(self._workspace)
        return _latest_first([await self._read(log) for log in logs if job in (None, log.job)])

    async def all(self) -> JobList:
        """The jobs of every provider in use and those recorded, once all have answered.

        Raises:
            FileError: a log cannot be read.
        """
        async with aclosing(self.growing()) as lists:
            *_, found = [found async for found in lists]
        return found

    async def growing(self) -> AsyncGenerator[JobList, None]:
        """The same, anew whenever a provider has answered: a slow one holds up no other.

        Asked are the default provider, those with recorded jobs, and those in the config file. The
        local engine is started for this only if a recorded job of its has not ended.

        Raises:
            FileError: a log cannot be read.
        """
        views = {(view.provider, view.id): view for view in await self.recorded()}
        names = await self._in_use({provider for provider, _ in views})
        asked = [asyncio.ensure_future(self._answer(name, dict(views))) for name in names]
        answered: set[str] = set()
        troubles: dict[str, FtuiError] = {}
        try:
            for soonest in asyncio.as_completed(asked):
                name, answer = await soonest
                if isinstance(answer, FtuiError):
                    troubles[name] = answer
                else:
                    answered.add(name)
                    views |= answer
                found = _latest_first(list(views.values()))
                yield JobList(found, dict(troubles), frozenset(answered))
        finally:
            for task in asked:
                task.cancel()

    async def _answer(
        self, name: str, recorded: Mapping[Key, JobView]
    ) -> tuple[str, dict[Key, JobView] | FtuiError]:
        """A provider's jobs that are not recorded to their end, or why they are not known."""
        listing = await self._listed(name, recorded)
        if isinstance(listing, FtuiError):
            return name, listing
        found = {}
        for job in listing:
            known = recorded.get((name, job))
            if known is None or not known.terminal:
                found[name, job] = await self._merged(name, job, listing, known)
        return name, found

    def watch(self, provider: str, job: str, attention: Attention) -> JobWatch:
        """Who follows a job.

        Args:
            provider: whose job it is.
            job: its id.
            attention: how closely it is looked at.
        """
        log = JobLog(self._workspace, provider, job)
        traffic = self._traffic_of(provider)
        return JobWatch(self._providers, log, self._clock, traffic, attention)

    async def _read(self, log: JobLog) -> JobView:
        key = log.provider, log.job
        async with self._reading:
            history = self._histories.pop(key, None) or log.history()
            async for _ in history.read():
                pass
            # One whose reading is broken off is not read on, but anew.
            self._histories[key] = history
        return history.view()

    def _traffic_of(self, provider: str) -> Traffic:
        if provider not in self._traffic:
            pace = HERE if provider == LOCAL else ABROAD
            self._traffic[provider] = Traffic(pace, self._clock, lambda: self._ask(provider))
        return self._traffic[provider]

    async def _ask(self, provider: str) -> Listing:
        client = await self._providers.existing_client(provider)
        client = client.with_options(max_retries=0, timeout=_LIST_SECONDS)
        with self._providers.explained():
            return {job["id"]: job for job in await job_pages(client, provider)}

    async def _in_use(self, recorded: set[str]) -> list[str]:
        used = {LOCAL, self._settings.provider, *recorded}
        configured = set(self._settings.providers) - {"openai"}
        known = [name for name in self._providers.names if name in used | configured]
        return [name for name in known if name in used or await self._providers.has_key(name)]

    async def _listed(self, provider: str, recorded: Mapping[Key, JobView]) -> Listing | FtuiError:
        """A provider's jobs, or why they are not known."""
        going = any(key[0] == provider and not view.terminal for key, view in recorded.items())
        try:
            if provider == LOCAL and going:
                await self._providers.engine.ensure()
            elif provider == LOCAL and not (await self._providers.engine.status()).running:
                return {}
            return await self._traffic_of(provider).listing()
        except FtuiError as error:
            return error

    async def _merged(
        self, provider: str, job: str, listing: Listing, recorded: JobView | None
    ) -> JobView:
        """A job as the server's list tells it, with what is recorded of it."""
        if recorded and is_terminal(str(listing[job].get("status"))):
            # It ended while nobody watched: its last events are taken into the record.
            with suppress(ProviderError, NotFound, EngineUnavailable):
                async with aclosing(self.watch(provider, job, Attention()).follow()) as looks:
                    async for seen in looks:
                        if seen.contact.trouble:
                            break
        log = JobLog(self._workspace, provider, job)
        status = status_record(listing[job], provider, self._clock.now())
        await self._read(log)
        return self._histories[provider, job].view_with(status)


def _latest_first(views: list[JobView]) -> tuple[JobView, ...]:
    return tuple(
        sorted(views, key=lambda view: view.created_at or view.updated_at or 0.0, reverse=True)
    )
