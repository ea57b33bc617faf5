"""Watching one job: poll it, record what is new, report the connection, poll again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tui.domain.jobs.records import Record, is_terminal
from tui.domain.jobs.view import JobView
from tui.services.clock import Clock, rest
from tui.services.errors import (
    EngineUnavailable,
    FtuiError,
    NotFound,
    ProviderTrouble,
    ProviderUnreachable,
)
from tui.services.providers.providers import Providers
from tui.services.watching.poll import JobPoll
from tui.services.watching.poll_priority import PollControl, PollPriority
from tui.services.watching.poll_schedule import PollSchedule
from tui.services.watching.rate_limiter import RateLimiter
from tui.services.workspace.job_log import JobLog

if TYPE_CHECKING:
    import openai

_POLL_SECONDS = 30.0
_MAX_NOT_FOUND = 3
"""Consecutive 404s for a known job after which it counts as gone."""


@dataclass(frozen=True, slots=True)
class Connection:
    """State of the connection to a job's server; times are Unix seconds.

    Attributes:
        updated_at: when it last answered; None before the first answer.
        error: why it does not answer now; None while it does.
        offline_since: when the error began.
        next_retry_at: when it is polled again.
    """

    updated_at: float | None = None
    error: FtuiError | None = None
    offline_since: float | None = None
    next_retry_at: float | None = None


@dataclass(frozen=True, slots=True)
class JobUpdate:
    """The result of one poll, or of one slice of the log.

    Attributes:
        records: the new records, oldest first.
        connection: state of the connection to the server.
        view: the job with everything known of it.
    """

    records: list[Record]
    connection: Connection
    view: JobView


class JobWatch:
    """Follows one job from what its log holds to its end."""

    def __init__(
        self,
        providers: Providers,
        log: JobLog,
        clock: Clock,
        limiter: RateLimiter,
        control: PollControl,
    ) -> None:
        """Prepare the watch; no request is sent yet.

        Args:
            providers: the servers.
            log: the job's, not read yet.
            clock: time, sleep and randomness.
            limiter: shared by the jobs of the provider.
            control: the job's poll priority, now and later.
        """
        self._providers = providers
        self._log = log
        self._clock = clock
        self._limiter = limiter
        self._control = control
        self._poll = JobPoll(log)
        self._schedule = PollSchedule(limiter.intervals, clock)
        self._connection = Connection()
        self._needs_wake = True
        self._not_found = 0

    async def follow(self) -> AsyncGenerator[JobUpdate, None]:
        """Yield the log in slices, then the result of each poll, until the job has ended.

        An unreachable server raises nothing: the connection holds the error and polling goes on,
        however long it takes.

        Raises:
            NotFound: the server does not know the job (any more).
            ProviderError: the server refuses; retrying would not help.
            InputError: there is no such provider (any more).
            EngineMissing: the job is the local engine's, and the extra is not installed.
            FileError: the log cannot be read or written.
        """
        async for records in self._log.read():
            yield self._update(records)
        if not self._log.status:
            yield self._update([])
        while not self._ended:
            await self._limiter.acquire(self._control)
            changed = self._control.changed  # also while the request is in flight
            try:
                fetched = await self._fetch()
            except (ProviderTrouble, EngineUnavailable) as error:
                self._not_found = 0
                delay = self._on_failure(error)
                yield self._update([])
            except NotFound as error:
                delay = self._on_failure(self._on_not_found(error))
                yield self._update([])
            else:
                self._not_found = 0
                records = await self._log.add(fetched)
                delay = self._on_answer(records)
                yield self._update(records)
            if not self._ended:
                await self._sleep(delay, changed)

    @property
    def _ended(self) -> bool:
        return is_terminal(str(self._log.status.get("status")))

    def _update(self, records: list[Record]) -> JobUpdate:
        return JobUpdate(records, self._connection, self._log.view())

    async def _fetch(self) -> list[Record]:
        client = await self._client()
        priority = self._control.priority
        with self._providers.explain_errors():
            job = None if priority is PollPriority.WATCHED else await self._listed_job(priority)
            return await self._poll.fetch(client, self._clock.now(), job, priority)

    async def _listed_job(self, priority: PollPriority) -> Mapping[str, Any] | None:
        """The job object from the provider's list; None where the list does not reach it."""
        intervals = self._limiter.intervals
        hidden = priority is PollPriority.HIDDEN
        try:
            jobs = await self._limiter.list_jobs(
                (intervals.hidden if hidden else intervals.listed) / 2
            )
        except NotFound:
            return None  # a server without a list: the job is fetched alone
        job = jobs.get(self._log.job)
        return job if job and isinstance(job.get("status"), str) else None

    async def _client(self) -> openai.AsyncOpenAI:
        if self._needs_wake:
            client = await self._providers.client(self._log.provider)
            self._needs_wake = False
        else:
            client = await self._providers.existing_client(self._log.provider)
        return client.with_options(max_retries=0, timeout=_POLL_SECONDS)

    def _on_answer(self, news: list[Record]) -> float:
        if self._connection.error:
            self._limiter.report_recovery()
        self._connection = Connection(updated_at=self._clock.now())
        status = str(self._log.status.get("status"))
        return self._schedule.after_answer(status, news=bool(news), priority=self._control.priority)

    def _on_failure(self, error: FtuiError) -> float:
        retry_after = error.retry_after if isinstance(error, ProviderTrouble) else None
        self._limiter.report_failure(error)
        offline = isinstance(error, ProviderUnreachable | EngineUnavailable)
        delay = self._schedule.after_failure(retry_after, offline=offline)
        now = self._clock.now()
        since = self._connection.offline_since or now
        self._connection = replace(
            self._connection, error=error, offline_since=since, next_retry_at=now + delay
        )
        self._needs_wake = True
        return delay

    def _on_not_found(self, error: NotFound) -> FtuiError:
        """The error to report for a job that the server does not know now.

        Raises:
            NotFound: it never did, or has said so too often to be mistaken.
        """
        if not self._log.status:
            raise error
        self._not_found += 1
        if self._not_found >= _MAX_NOT_FOUND:
            raise NotFound(error.message, "The recorded history is kept.") from error
        return error

    async def _sleep(self, delay: float, changed: asyncio.Event) -> None:
        events = [changed]
        if self._connection.error:
            events.append(self._limiter.recovered)
        if await rest(self._clock, delay, *events):
            # The machine may have slept: earlier failures say nothing of the network now.
            self._schedule.reset()
