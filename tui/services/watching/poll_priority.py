"""How often and how thoroughly a job is polled, by how much of it a person sees."""

from __future__ import annotations

import asyncio
from enum import IntEnum


class PollPriority(IntEnum):
    """How much of a job is on screen; the higher, the more is requested."""

    HIDDEN = 0
    """Nothing is shown: its status is polled slowly, and now and then its last step, so that its
    end or a stall is noticed."""
    LISTED = 1
    """Its row is shown: its status and last figures."""
    WATCHED = 2
    """It is open: everything, as soon as it is available."""


class PollControl:
    """The current priority of a job; changing it wakes its watchers at once.

    A screen makes one per followed job, or one for several, and changes it when the job is opened
    or another screen is shown.
    """

    def __init__(self, priority: PollPriority = PollPriority.WATCHED) -> None:
        self._priority = priority
        self._changed = asyncio.Event()

    @property
    def priority(self) -> PollPriority:
        """The current priority; setting a different one wakes the watchers."""
        return self._priority

    @priority.setter
    def priority(self, priority: PollPriority) -> None:
        if priority is not self._priority:
            self._priority = priority
            self.poll_now()

    @property
    def changed(self) -> asyncio.Event:
        """Set at the next change."""
        return self._changed

    def poll_now(self) -> None:
        """Wake the watchers without a change of priority: a person asked for a refresh."""
        event, self._changed = self._changed, asyncio.Event()
        event.set()
