"""One poll of a job: its status, and the events and checkpoints that are new."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from tui.domain.jobs.records import (
    Record,
    checkpoint_record,
    event_record,
    is_terminal,
    status_record,
)
from tui.domain.providers.kinds import LOCAL
from tui.services.providers.job_objects import parse_job
from tui.services.watching.pagination import Paginator
from tui.services.watching.poll_priority import PollPriority
from tui.services.workspace.job_log import JobLog

if TYPE_CHECKING:
    import openai

_QUIET_SECONDS = 45.0
"""Time without a step after which a hidden job is polled for events: well before it would count as
stalled."""
_SKEW_SECONDS = 5.0
"""Clock difference that is ignored: a `Date` header has whole seconds and takes time to arrive."""


class JobPoll:
    """Fetches what is new of one job; what a failed poll had fetched is not requested again."""

    def __init__(self, log: JobLog) -> None:
        """Prepare to poll; no request is sent yet.

        Args:
            log: the job's, which tells what is already known.
        """
        self._log = log
        self._events = Paginator(log, event_record)
        self._checkpoints = Paginator(log, checkpoint_record)
        self._first = True
        self._clock_ahead: float | None = None

    async def fetch(
        self,
        client: openai.AsyncOpenAI,
        now: float,
        listed: Mapping[str, Any] | None,
        priority: PollPriority,
    ) -> list[Record]:
        """Fetch events and checkpoints by time, then the status if its content is new.

        Args:
            client: of the provider.
            now: Unix seconds.
            listed: the job object from the provider's list; None to fetch it alone.
            priority: a hidden job of unchanged status is polled for events only where it may have
                stalled.

        Raises:
            ProviderTrouble: the answer does not follow the protocol.
            openai.OpenAIError: a request failed.
        """
        job = listed or await self._fetch_job(client, now)
        ended = is_terminal(str(job["status"]))
        provider = self._log.provider
        status = status_record(job, provider, now, self._log.newest_at or None)
        unchanged = self._log.repeats_status(status)
        quiet = self._log.is_quiet(now, _QUIET_SECONDS)
        if priority is PollPriority.HIDDEN and unchanged and not ended and not quiet:
            return []
        records = await self._fetch_records(client, now, ended=ended)
        newest = max([*(record["at"] for record in records), self._log.newest_at])
        status = status_record(job, provider, now, newest or None)
        if self._clock_ahead:
            status["clock_ahead"] = self._clock_ahead
        return records if unchanged else [*records, status]

    async def _fetch_job(self, client: openai.AsyncOpenAI, now: float) -> Mapping[str, Any]:
        response = await client.fine_tuning.jobs.with_raw_response.retrieve(self._log.job)
        if self._log.provider != LOCAL:
            self._clock_ahead = clock_ahead(response.headers, now)
        return parse_job(response, self._log.provider, self._log.job)

    async def _fetch_records(
        self, client: openai.AsyncOpenAI, now: float, *, ended: bool
    ) -> list[Record]:
        jobs = client.fine_tuning.jobs
        thorough = self._first or ended
        list_events = jobs.with_raw_response.list_events
        records = await self._events.fetch_new(list_events, now, thorough=thorough)
        if thorough or any(_suggests_checkpoint(record) for record in records):
            list_checkpoints = jobs.checkpoints.with_raw_response.list
            records += await self._checkpoints.fetch_new(list_checkpoints, now, thorough=thorough)
        self._events.clear()
        self._checkpoints.clear()
        self._first = False
        return sorted(records, key=lambda record: float(record["at"]))


def _suggests_checkpoint(record: Record) -> bool:
    """Whether a checkpoint may have been saved: an event says so, or a validation came with it."""
    return record["type"] == "event" or "valid_loss" in record or "full_valid_loss" in record


def clock_ahead(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds by which a server's clock is ahead of this machine's; None where negligible.

    Args:
        headers: of its response, with a `date`.
        now: Unix seconds.
    """
    try:
        date = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return None
    server_time = date if date.tzinfo else date.replace(tzinfo=UTC)
    ahead = (server_time - datetime.fromtimestamp(now, UTC)).total_seconds()
    return round(ahead) if abs(ahead) >= _SKEW_SECONDS else None
