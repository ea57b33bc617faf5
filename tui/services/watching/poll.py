"""One look at a job: its status, and the events and checkpoints that are new."""

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
from tui.services.providers.job_objects import as_job
from tui.services.watching.pagination import NewsPages
from tui.services.watching.poll_priority import Level
from tui.services.workspace.job_history import JobHistory

if TYPE_CHECKING:
    import openai

_QUIET = 45.0
"""Seconds without a step, as far as that is known, after which a hidden job is asked for steps:
well before it would be said to stand still."""
_SKEW = 5.0
"""Seconds that clocks may differ by without being told: a header has whole seconds, and takes some
time to come."""


class JobPoll:
    """Asks for what is new of one job; what a failed look had found, the next one need not ask."""

    def __init__(self, provider: str, job: str, history: JobHistory) -> None:
        """Know the job; nothing is asked.

        Args:
            provider: whose job it is.
            job: its id.
            history: what is known already.
        """
        self._provider = provider
        self._job = job
        self._history = history
        self._events = NewsPages(provider, event_record, history)
        self._checkpoints = NewsPages(provider, checkpoint_record, history)
        self._first = True
        self._ahead: float | None = None

    async def look(
        self, client: openai.AsyncOpenAI, now: float, listed: Mapping[str, Any] | None, level: Level
    ) -> list[Record]:
        """Everything new: events and checkpoints by time, then the status if it tells of news.

        Args:
            client: of the provider.
            now: Unix seconds.
            listed: the job as the provider's list tells it; None to ask for it alone.
            level: a job that is hidden, and stands as it stood, is asked for events only where it
                may stand still.

        Raises:
            ProviderTrouble: the answer is not of the protocol.
            openai.OpenAIError: a request failed.
        """
        job = listed or await self._asked(client, now)
        ends = is_terminal(str(job["status"]))
        status = status_record(job, self._provider, now, self._history.newest or None)
        same = self._history.says_the_same(status)
        if level is Level.HIDDEN and same and not ends and not self._history.is_quiet(now, _QUIET):
            return []
        news = await self._news(client, now, ends=ends)
        newest = max([*(record["at"] for record in news), self._history.newest])
        status = status_record(job, self._provider, now, newest or None)
        if self._ahead:
            status["clock_ahead"] = self._ahead
        return news if same else [*news, status]

    async def _asked(self, client: openai.AsyncOpenAI, now: float) -> Mapping[str, Any]:
        answer = await client.fine_tuning.jobs.with_raw_response.retrieve(self._job)
        if self._provider != LOCAL:
            self._ahead = clock_ahead(answer.headers, now)
        return as_job(answer, self._provider, self._job)

    async def _news(self, client: openai.AsyncOpenAI, now: float, *, ends: bool) -> list[Record]:
        jobs = client.fine_tuning.jobs
        thorough = self._first or ends
        fetch = jobs.with_raw_response.list_events
        news = await self._events.new(fetch, self._job, now, thorough=thorough)
        if thorough or any(_may_bring_checkpoint(record) for record in news):
            saved = jobs.checkpoints.with_raw_response.list
            news += await self._checkpoints.new(saved, self._job, now, thorough=thorough)
        self._events.taken()
        self._checkpoints.taken()
        self._first = False
        return sorted(news, key=lambda record: float(record["at"]))


def _may_bring_checkpoint(record: Record) -> bool:
    """Whether a checkpoint may have been saved: it is told of, or comes with a validation."""
    return record["type"] == "event" or "valid_loss" in record or "full_valid_loss" in record


def clock_ahead(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds by which a server's clock is ahead of this machine's; None where that is nothing.

    Args:
        headers: of its answer, with a `date`.
        now: Unix seconds.
    """
    try:
        said = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return None
    there = said if said.tzinfo else said.replace(tzinfo=UTC)
    ahead = (there - datetime.fromtimestamp(now, UTC)).total_seconds()
    return round(ahead) if abs(ahead) >= _SKEW else None
