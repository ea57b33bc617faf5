"""When to ask a server again: quickly while things move, slowly while they wait, backing off."""

from __future__ import annotations

from dataclasses import dataclass

from tui.services.clock import Clock
from tui.services.watching.poll_priority import Level

LONGEST_RETRY_AFTER = 600.0
"""A server's wish for more silence than this is cut, so that no job is forgotten for a day."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a server may be asked, in seconds between two polls.

    Attributes:
        moving: after news of a job that trains.
        quiet: at most, while a job trains without news.
        waiting: while the job is queued, paused, or being checked.
        listed: while its row is shown and no more.
        hidden: while nothing of it is shown.
        first_retry: after the first failure; doubled by each further one.
        longest_retry: at most, after many failures of the server.
        longest_offline: at most, while the server is out of reach: trying costs it nothing.
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


HERE = Pace()
"""For the engine on this machine."""

ABROAD = Pace(
    moving=5.0,
    quiet=30.0,
    waiting=15.0,
    listed=30.0,
    hidden=60.0,
    first_retry=2.0,
    requests_per_second=2.0,
)
"""For a server that many ask, and that limits the rate."""

_SLOWER = 1.5


class Rhythm:
    """The pauses between the polls of one job."""

    def __init__(self, pace: Pace, clock: Clock) -> None:
        self._pace = pace
        self._clock = clock
        self._calm = pace.moving
        self.failures = 0
        """Failures in a row."""

    def after_answer(self, status: str, *, news: bool, level: Level = Level.WATCHED) -> float:
        """Seconds to wait after an answer; a job without news is asked for less and less often."""
        self.failures = 0
        if level is Level.HIDDEN:
            return self._pace.hidden
        if level is Level.LISTED:
            return max(self._pace.listed, 0.0 if status == "running" else self._pace.waiting)
        if status != "running":
            self._calm = self._pace.moving
            return self._pace.waiting
        slower = min(self._pace.quiet, self._calm * _SLOWER)
        self._calm = self._pace.moving if news else slower
        return self._calm

    def begin_anew(self) -> None:
        """What failed before says nothing of now."""
        self.failures = 0

    def after_failure(self, retry_after: float | None = None, *, offline: bool = False) -> float:
        """Seconds to wait after a failure: doubled each time, with jitter, never less than asked.

        Args:
            retry_after: what the server asked for, in seconds.
            offline: it could not be reached at all.
        """
        longest = self._pace.longest_offline if offline else self._pace.longest_retry
        grown = self._pace.first_retry * 2.0 ** min(self.failures, 30)
        self.failures += 1
        # Half fixed, half chance: many watchers of a server that comes back do not ask at once.
        pause = min(longest, grown) * (0.5 + 0.5 * self._clock.random())
        return max(pause, min(retry_after or 0.0, LONGEST_RETRY_AFTER))
