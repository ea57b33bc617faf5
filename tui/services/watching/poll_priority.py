"""How closely a person looks at a job, which decides how often and how much is asked of it."""

from __future__ import annotations

import asyncio
from enum import IntEnum


class Level(IntEnum):
    """How closely a job is looked at; the higher, the more is asked."""

    HIDDEN = 0
    """Nothing of it is shown: its status is asked for, slowly, and now and then its last step, so
    that its end is noticed, or that it stands still."""
    LISTED = 1
    """Its row is shown: its status and last figures."""
    WATCHED = 2
    """It is open: everything, as soon as it is there."""


class Attention:
    """How closely a job is looked at now; a change wakes those who follow it at once.

    A screen makes one for each job that it follows, or one for several, and changes it when the
    job is opened, or another screen is shown.
    """

    def __init__(self, level: Level = Level.WATCHED) -> None:
        self._level = level
        self._changed = asyncio.Event()

    @property
    def level(self) -> Level:
        """The level now; setting another one wakes who waits."""
        return self._level

    @level.setter
    def level(self, level: Level) -> None:
        if level is not self._level:
            self._level = level
            self.call()

    @property
    def changed(self) -> asyncio.Event:
        """Set at the next change."""
        return self._changed

    def call(self) -> None:
        """Wake who waits though nothing changed: a person wants to know now."""
        before, self._changed = self._changed, asyncio.Event()
        before.set()
