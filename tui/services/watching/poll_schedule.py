"""When to poll a server again: fast while a job moves, slowly while it waits, with backoff."""

from __future__ import annotations

from dataclasses import dataclass

from tui.services.clock import Clock
from tui.services.watching.poll_priority import PollPriority

LONGEST_RETRY_AFTER = 600.0
"""Upper bound on a server's `Retry-After`, so that no job is forgotten for a day."""


@dataclass(frozen=True, slots=True)
class PollIntervals:
    """How often a server may be polled, in seconds between two polls.

    Attributes:
        moving: after a running job reported something new.
        quiet: upper bound while a running job reports nothing new.
        waiting: while the job is queued, paused or being validated.
        listed: while only its row is shown.
        hidden: while nothing of it is shown.
        first_retry: after the first failure; doubled by each further one.
        longest_retry: upper bound after many failures of the server.
        longest_offline: upper bound while the server is unreachable, where trying costs it nothing.
        requests_per_second: of all jobs together that are not watched.
    """

    moving: float = 1.0
    quiet: float = 3.0
    waiting: float = 2.0
    listed: float = 3.0
    hidden: float = 10.0
    first_retry: float = 1.0
    longest_retry: float = 60.0
    longest_offline: float = 20.0
    requests_per_second: float = 20.0


LOCAL_INTERVALS = PollIntervals()
"""For the engine on this machine."""

REMOTE_INTERVALS = PollIntervals(
    moving=5.0,
    quiet=30.0,
    waiting=15.0,
    listed=30.0,
    hidden=60.0,
    first_retry=2.0,
    requests_per_second=2.0,
)
"""For a shared server with rate limits."""

_QUIET_FACTOR = 1.5


class PollSchedule:
    """The delays between the polls of one job."""

    def __init__(self, intervals: PollIntervals, clock: Clock) -> None:
        self._intervals = intervals
        self._clock = clock
        self._delay = intervals.moving
        self.failures = 0
        """Consecutive failures."""

    def after_answer(
        self, status: str, *, news: bool, priority: PollPriority = PollPriority.WATCHED
    ) -> float:
        """Seconds to wait after an answer; they grow while a job reports nothing new."""
        self.failures = 0
        if priority is PollPriority.HIDDEN:
            return self._intervals.hidden
        if priority is PollPriority.LISTED:
            waiting = 0.0 if status == "running" else self._intervals.waiting
            return max(self._intervals.listed, waiting)
        if status != "running":
            self._delay = self._intervals.moving
            return self._intervals.waiting
        longer = min(self._intervals.quiet, self._delay * _QUIET_FACTOR)
        self._delay = self._intervals.moving if news else longer
        return self._delay

    def reset(self) -> None:
        """Forget earlier failures."""
        self.failures = 0

    def after_failure(self, retry_after: float | None = None, *, offline: bool = False) -> float:
        """Seconds to wait after a failure: exponential with jitter, at least `retry_after`.

        Args:
            retry_after: what the server requested, in seconds.
            offline: it could not be reached at all.
        """
        longest = self._intervals.longest_offline if offline else self._intervals.longest_retry
        backoff = self._intervals.first_retry * 2.0 ** min(self.failures, 30)
        self.failures += 1
        # Half fixed, half random: many watchers of a recovering server do not poll in step.
        delay = min(longest, backoff) * (0.5 + 0.5 * self._clock.random())
        return max(delay, min(retry_after or 0.0, LONGEST_RETRY_AFTER))
