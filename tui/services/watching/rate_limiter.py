"""What all jobs of one provider share: the rate of requests, its silence, and its list of jobs.

A hundred jobs that are followed at a provider are one client of it: those that are merely listed
take turns, share one answer to "which jobs are there?", and keep still together when the server
asks for it. Who looks at one job does not wait for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from tui.services.clock import Clock, rest
from tui.services.errors import FtuiError, ProviderTrouble
from tui.services.watching.poll_priority import Attention, Level
from tui.services.watching.poll_schedule import LONGEST_RETRY_AFTER, Pace

_AT_ONCE = 10
"""Requests that may come together after a silence; later ones keep the rate."""
_FAILURE_LASTS = 5.0
"""Seconds for which a failure to list the jobs is told to all who ask."""

Listing = Mapping[str, Mapping[str, Any]]
"""The jobs of a provider by id, as it lists them."""


class Traffic:
    """The requests about one provider's jobs."""

    def __init__(
        self, pace: Pace, clock: Clock, ask: Callable[[], Coroutine[None, None, Listing]]
    ) -> None:
        """No request was made yet.

        Args:
            pace: how often the provider may be asked.
            clock: time and sleep.
            ask: asks for the list of its jobs.
        """
        self.pace = pace
        self._ask = ask
        self._clock = clock
        self._gap = 1.0 / pace.requests_per_second
        self._next = 0.0
        self._closed_until = 0.0
        self._answered = asyncio.Event()
        self._asking: asyncio.Task[Listing] | None = None
        self._asked_at = 0.0

    async def turn(self, attention: Attention) -> None:
        """Wait until a job may be asked for; one that is watched waits for the server's wish only.

        Args:
            attention: how closely the job is looked at; a change is heeded at once.
        """
        while (left := self._closed_until - self._clock.now()) > 0:
            await rest(self._clock, left, attention.changed)
        now = self._clock.now()
        # A clock that was set back must not keep anyone waiting.
        self._next = min(max(self._next, now - _AT_ONCE * self._gap), now + 3600) + self._gap
        mine = self._next
        while attention.level is not Level.WATCHED and (left := mine - self._clock.now()) > 0:
            if await rest(self._clock, left, attention.changed):
                return

    def answered(self) -> None:
        """The provider answers: whoever waits because it did not may ask again."""
        before, self._answered = self._answered, asyncio.Event()
        before.set()

    @property
    def back(self) -> asyncio.Event:
        """Set when the provider answers anyone."""
        return self._answered

    def failed(self, error: FtuiError) -> None:
        """Heed a server that says when it wants to be asked again."""
        if isinstance(error, ProviderTrouble) and error.retry_after:
            wish = min(error.retry_after, LONGEST_RETRY_AFTER)
            self._closed_until = max(self._closed_until, self._clock.now() + wish)

    async def listing(self, longest: float = 0.0) -> Listing:
        """The provider's jobs, asked for once for all who want to know at about the same time.

        Args:
            longest: seconds that an answer may be old.

        Raises:
            FtuiError: the list cannot be had; this too is shared for some seconds.
        """
        if self._asking is None or self._is_old(self._asking, longest):
            self._asked_at = self._clock.now()
            self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(self._asking)

    def _is_old(self, asking: asyncio.Task[Listing], longest: float) -> bool:
        if not asking.done():
            return False
        if asking.cancelled():
            return True
        if asking.exception():
            longest = min(longest, _FAILURE_LASTS)
        return not 0 <= self._clock.now() - self._asked_at < longest
