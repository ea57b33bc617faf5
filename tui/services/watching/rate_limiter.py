"""What all jobs of one provider share: the request rate, `Retry-After`, and the list of jobs.

A hundred followed jobs are one client of their provider: those that are merely listed take turns,
share one answer to "list jobs", and back off together. A watched job does not wait for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from tui.services.clock import Clock, rest
from tui.services.errors import FtuiError, ProviderTrouble
from tui.services.watching.poll_priority import PollControl, PollPriority
from tui.services.watching.poll_schedule import LONGEST_RETRY_AFTER, PollIntervals

_BURST = 10
"""Requests that may go out together after a pause; later ones keep the rate."""
_FAILURE_SECONDS = 5.0
"""Seconds for which a failure to list the jobs is shared by all callers."""

JobsById = Mapping[str, Mapping[str, Any]]
"""A provider's job objects by id, as it lists them."""


class RateLimiter:
    """Spaces the requests about one provider's jobs."""

    def __init__(
        self,
        intervals: PollIntervals,
        clock: Clock,
        fetch_jobs: Callable[[], Coroutine[None, None, JobsById]],
    ) -> None:
        """Start without a history of requests.

        Args:
            intervals: how often the provider may be polled.
            clock: time and sleep.
            fetch_jobs: requests the list of its jobs.
        """
        self.intervals = intervals
        self._fetch_jobs = fetch_jobs
        self._clock = clock
        self._gap = 1.0 / intervals.requests_per_second
        self._next_slot = 0.0
        self._blocked_until = 0.0
        self._recovered = asyncio.Event()
        self._request: asyncio.Task[JobsById] | None = None
        self._requested_at = 0.0

    async def acquire(self, control: PollControl) -> None:
        """Wait until a job may be polled; a watched one only waits for `Retry-After`.

        Args:
            control: the job's priority; a change takes effect at once.
        """
        while (wait := self._blocked_until - self._clock.now()) > 0:
            await rest(self._clock, wait, control.changed)
        now = self._clock.now()
        # A clock that was set back must not block anyone.
        earliest = max(self._next_slot, now - _BURST * self._gap)
        self._next_slot = slot = min(earliest, now + 3600) + self._gap
        while (
            control.priority is not PollPriority.WATCHED and (wait := slot - self._clock.now()) > 0
        ):
            if await rest(self._clock, wait, control.changed):
                return

    def report_recovery(self) -> None:
        """Wake everyone who backs off because the provider did not answer."""
        event, self._recovered = self._recovered, asyncio.Event()
        event.set()

    @property
    def recovered(self) -> asyncio.Event:
        """Set when the provider answers again."""
        return self._recovered

    def report_failure(self, error: FtuiError) -> None:
        """Honour the server's `Retry-After`."""
        if isinstance(error, ProviderTrouble) and error.retry_after:
            seconds = min(error.retry_after, LONGEST_RETRY_AFTER)
            self._blocked_until = max(self._blocked_until, self._clock.now() + seconds)

    async def list_jobs(self, max_age: float = 0.0) -> JobsById:
        """The provider's jobs; concurrent callers share one request.

        Args:
            max_age: seconds for which an earlier answer is reused.

        Raises:
            FtuiError: the list is not available; the failure is shared for some seconds.
        """
        if self._request is None or self._is_stale(self._request, max_age):
            self._requested_at = self._clock.now()
            self._request = asyncio.create_task(self._fetch_jobs())
        return await asyncio.shield(self._request)

    def _is_stale(self, request: asyncio.Task[JobsById], max_age: float) -> bool:
        if not request.done():
            return False
        if request.cancelled():
            return True
        if request.exception():
            max_age = min(max_age, _FAILURE_SECONDS)
        return not 0 <= self._clock.now() - self._requested_at < max_age
