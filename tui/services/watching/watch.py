"""Watching one job: ask, keep what is new, say how the contact stands, ask again."""

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
from tui.services.watching.poll_priority import Attention, Level
from tui.services.watching.poll_schedule import Rhythm
from tui.services.watching.rate_limiter import Traffic
from tui.services.workspace.job_log import JobLog

if TYPE_CHECKING:
    import openai

_POLL_SECONDS = 30.0
_VANISHED_AFTER = 3
"""Times that a server must not know a job that it knew before this is believed."""


@dataclass(frozen=True, slots=True)
class Contact:
    """How the contact with a server stands; times in Unix seconds.

    Attributes:
        updated_at: when it last answered; None before the first answer.
        trouble: why it does not answer now; None while it does.
        offline_since: when the trouble began.
        next_try_at: when it is asked again.
    """

    updated_at: float | None = None
    trouble: FtuiError | None = None
    offline_since: float | None = None
    next_try_at: float | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look at a job brought.

    Attributes:
        records: the new records, oldest first.
        contact: how the contact with the server stands.
        view: the job with all that is known of it.
    """

    records: list[Record]
    contact: Contact
    view: JobView


class JobWatch:
    """Follows one job from what the log holds to its end."""

    def __init__(
        self,
        providers: Providers,
        log: JobLog,
        clock: Clock,
        traffic: Traffic,
        attention: Attention,
    ) -> None:
        """Nothing is asked yet.

        Args:
            providers: the servers.
            log: the job's.
            clock: time, sleep and chance.
            traffic: what the jobs of its provider share.
            attention: how closely it is looked at, now and later.
        """
        self._providers = providers
        self._log = log
        self._clock = clock
        self._traffic = traffic
        self._attention = attention
        self._history = log.history()
        self._poll = JobPoll(log.provider, log.job, self._history)
        self._rhythm = Rhythm(traffic.pace, clock)
        self._contact = Contact()
        self._asleep = True
        self._unknown = 0

    async def follow(self) -> AsyncGenerator[Seen, None]:
        """Yield what the log holds, in slices, then what each look brings, until the job has ended.

        While the server is out of reach nothing is raised: the contact tells why and the asking
        goes on, however long it takes.

        Raises:
            NotFound: the server does not know the job (any more).
            ProviderError: the server refuses; asking again would not help.
            InputError: there is no such provider (any more).
            EngineMissing: the job is the local engine's, and the extra is not installed.
            FileError: the log cannot be read or written.
        """
        async for records in self._history.read():
            yield self._seen(records)
        if not self._history.status:
            yield self._seen([])
        while not self._ended:
            await self._traffic.turn(self._attention)
            changed = self._attention.changed  # also while the look is on its way
            try:
                found = await self._look()
            except (ProviderTrouble, EngineUnavailable) as error:
                self._unknown = 0
                pause = self._failed(error)
                yield self._seen([])
            except NotFound as error:
                pause = self._failed(self._vanished(error))
                yield self._seen([])
            else:
                self._unknown = 0
                news = await self._history.add(found)
                pause = self._answered(news)
                yield self._seen(news)
            if not self._ended:
                await self._rest(pause, changed)

    @property
    def _ended(self) -> bool:
        return is_terminal(str(self._history.status.get("status")))

    def _seen(self, records: list[Record]) -> Seen:
        return Seen(records, self._contact, self._history.view())

    async def _look(self) -> list[Record]:
        client = await self._client()
        level = self._attention.level
        with self._providers.explained():
            listed = None if level is Level.WATCHED else await self._listed(level)
            return await self._poll.look(client, self._clock.now(), listed, level)

    async def _listed(self, level: Level) -> Mapping[str, Any] | None:
        """The job as its provider's list tells it; None where no list goes back to it."""
        pace = self._traffic.pace
        longest = pace.hidden if level is Level.HIDDEN else pace.listed
        try:
            listing = await self._traffic.listing(longest / 2)
        except NotFound:
            return None  # a server without a list: the job is asked for alone
        job = listing.get(self._log.job)
        return job if job and isinstance(job.get("status"), str) else None

    async def _client(self) -> openai.AsyncOpenAI:
        if self._asleep:
            client = await self._providers.client(self._log.provider)
            self._asleep = False
        else:
            client = await self._providers.existing_client(self._log.provider)
        return client.with_options(max_retries=0, timeout=_POLL_SECONDS)

    def _answered(self, news: list[Record]) -> float:
        if self._contact.trouble:
            self._traffic.answered()
        self._contact = Contact(updated_at=self._clock.now())
        status = str(self._history.status.get("status"))
        return self._rhythm.after_answer(status, news=bool(news), level=self._attention.level)

    def _failed(self, error: FtuiError) -> float:
        wish = error.retry_after if isinstance(error, ProviderTrouble) else None
        self._traffic.failed(error)
        out_of_reach = isinstance(error, ProviderUnreachable | EngineUnavailable)
        pause = self._rhythm.after_failure(wish, offline=out_of_reach)
        now = self._clock.now()
        since = self._contact.offline_since or now
        self._contact = replace(
            self._contact, trouble=error, offline_since=since, next_try_at=now + pause
        )
        self._asleep = True
        return pause

    def _vanished(self, error: NotFound) -> FtuiError:
        """What to say of a job that the server does not know now.

        Raises:
            NotFound: it never did, or has said so too often to be mistaken.
        """
        if not self._history.status:
            raise error
        self._unknown += 1
        if self._unknown >= _VANISHED_AFTER:
            raise NotFound(error.message, "What was seen of the job is kept.") from error
        return error

    async def _rest(self, pause: float, changed: asyncio.Event) -> None:
        alarms = [changed]
        if self._contact.trouble:
            alarms.append(self._traffic.back)
        if await rest(self._clock, pause, *alarms):
            # The machine was asleep: what failed before it says nothing of the network now.
            self._rhythm.begin_anew()
