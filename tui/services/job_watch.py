"""Watching one job: ask, keep what is new, say how the contact stands, ask again."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tui.domain.job_records import (
    Record,
    checkpoint_record,
    event_record,
    is_terminal,
    oldest_first,
    record_key,
    status_record,
    status_says,
)
from tui.services.errors import EngineUnavailable, FtuiError, ProviderTrouble
from tui.services.job_log import LONGEST_ID, JobLog
from tui.services.polling import ABROAD, HERE, Clock, Rhythm
from tui.services.providers import Providers, json_body
from tui.settings import LOCAL

if TYPE_CHECKING:
    import openai

_PAGE = 100
_GLANCE = 20
"""Events asked for while a job is followed: more than come between two polls."""
_POLL_SECONDS = 30.0


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
    """What one look at a job brought: the new records, oldest first, and how the contact stands."""

    records: list[Record]
    contact: Contact


class JobWatch:
    """Follows one job from what the log holds to its end."""

    def __init__(self, providers: Providers, log: JobLog, clock: Clock) -> None:
        self._providers = providers
        self._log = log
        self._clock = clock
        self._rhythm = Rhythm(HERE if log.provider == LOCAL else ABROAD, clock)
        self._seen: set[tuple[str, str]] = set()
        self._status: Record = {}
        self._newest = 0.0
        self._contact = Contact()
        self._has_checkpoints = True
        self._asleep = True
        self._first = True

    async def follow(self) -> AsyncGenerator[Seen, None]:
        """Yield what the log holds, then what each poll brings; ends when the job has ended.

        While the server is out of reach nothing is raised: the contact tells why and the asking
        goes on.

        Raises:
            NotFound: the server does not know the job.
            ProviderError: the server refuses; asking again would not help.
            EngineMissing: the job is the local engine's, and the extra is not installed.
            FileError: the log cannot be read or written.
        """
        recorded = await self._log.records()
        self._remember(recorded)
        yield Seen(recorded, self._contact)
        while not self._ended:
            try:
                records = await self._poll()
            except (ProviderTrouble, EngineUnavailable) as error:
                pause = self._failed(error)
                yield Seen([], self._contact)
            else:
                await self._log.append(records)
                self._remember(records)
                self._contact = Contact(updated_at=self._clock.now())
                yield Seen(records, self._contact)
                status = str(self._status.get("status"))
                pause = self._rhythm.after_answer(status, news=bool(records))
            if not self._ended:
                await self._clock.sleep(pause)

    @property
    def _ended(self) -> bool:
        return is_terminal(str(self._status.get("status")))

    def _remember(self, records: list[Record]) -> None:
        for record in records:
            self._seen.add(record_key(record))
            self._newest = max(self._newest, record["at"])
            if record["type"] == "status":
                self._status = record

    def _failed(self, error: FtuiError) -> float:
        wish = error.retry_after if isinstance(error, ProviderTrouble) else None
        pause = self._rhythm.after_failure(wish)
        now = self._clock.now()
        since = self._contact.offline_since or now
        self._contact = replace(
            self._contact, trouble=error, offline_since=since, next_try_at=now + pause
        )
        self._asleep = True
        return pause

    async def _poll(self) -> list[Record]:
        """Everything new: events and checkpoints by time, then the status if it is another one."""
        client = await self._client()
        now = self._clock.now()
        with self._providers.explained():
            job = await fetch_job(client, self._log.provider, self._log.job)
            ends = is_terminal(str(job.get("status")))
            news = await self._events(client, now, thorough=self._first or ends)
            if self._first or ends or any(_may_bring_checkpoint(record) for record in news):
                news += await self._checkpoints(client, now)
        self._first = False
        news.sort(key=lambda record: record["at"])
        newest = max([*(record["at"] for record in news), self._newest])
        status = status_record(job, self._log.provider, now, newest or None)
        return news if status_says(status) == status_says(self._status) else [*news, status]

    async def _client(self) -> openai.AsyncOpenAI:
        if self._asleep:
            client = await self._providers.client(self._log.provider)
            self._asleep = False
        else:
            client = await self._providers.existing_client(self._log.provider)
        return client.with_options(max_retries=0, timeout=_POLL_SECONDS)

    async def _events(
        self, client: openai.AsyncOpenAI, now: float, *, thorough: bool
    ) -> list[Record]:
        """The new events, oldest first.

        A glance ends at the first page that holds a known event; a thorough look at the first that
        holds nothing new. Neither relies on `has_more`, nor on `after` being heeded.
        """
        from openai import Omit, omit

        fetch = client.fine_tuning.jobs.with_raw_response.list_events
        fresh: dict[tuple[str, str], Mapping[str, Any]] = {}
        limit = _PAGE if thorough else _GLANCE
        after: str | Omit = omit
        while True:
            body = json_body(
                await fetch(self._log.job, limit=limit, after=after), self._log.provider
            )
            page = [item for item in body.get("data") or [] if isinstance(item, Mapping)]
            keys = [record_key(event_record(item, now)) for item in page]
            before = len(fresh)
            for key, item in zip(keys, page, strict=True):
                if key not in self._seen:
                    fresh.setdefault(key, item)
            known = any(key in self._seen for key in keys)
            last = page[-1].get("id") if page else None
            if len(fresh) == before or body.get("has_more") is False or not isinstance(last, str):
                break
            if known and not thorough:
                break
            after = last
        return [event_record(item, now) for item in oldest_first(list(fresh.values()))]

    async def _checkpoints(self, client: openai.AsyncOpenAI, now: float) -> list[Record]:
        """The new checkpoints; none, and no more asking, where the server has no such path."""
        if not self._has_checkpoints:
            return []
        import openai

        fetch = client.fine_tuning.jobs.checkpoints.with_raw_response.list
        try:
            body = json_body(await fetch(self._log.job, limit=_PAGE), self._log.provider)
        except openai.NotFoundError:
            self._has_checkpoints = False
            return []
        items = [item for item in body.get("data") or [] if isinstance(item, Mapping)]
        records = [checkpoint_record(item, now) for item in oldest_first(items)]
        once = {record_key(record): record for record in records}
        return [record for key, record in once.items() if key not in self._seen]


def _may_bring_checkpoint(record: Record) -> bool:
    """Whether a checkpoint may have been saved: it is told of, or comes with a validation."""
    return record["type"] == "event" or "valid_loss" in record or "full_valid_loss" in record


async def fetch_job(client: openai.AsyncOpenAI, provider: str, job: str) -> dict[str, Any]:
    """A job as the server tells it, with a usable `id`.

    Raises:
        ProviderTrouble: the answer is not a job.
        openai.OpenAIError: the request failed; `Providers.explain` puts it in words.
    """
    body = json_body(await client.fine_tuning.jobs.with_raw_response.retrieve(job), provider)
    if body.get("id") not in (None, job) or not isinstance(body.get("status"), str):
        raise ProviderTrouble(f"The provider {provider} answered with something that is not a job.")
    return {**body, "id": job}


def usable_id(body: Mapping[str, Any]) -> bool:
    """Whether a job has an id that can be asked for again."""
    job = body.get("id")
    return isinstance(job, str) and 0 < len(job) <= LONGEST_ID and job.isprintable()
