"""A filter for a job's events: words, and `is:` with a level."""

from __future__ import annotations

from dataclasses import dataclass

from tui.domain.runs import JobEvent

_LEVELS = {"info": "info", "warn": "warn", "warning": "warn", "error": "error"}


def level_of(event: JobEvent) -> str:
    """An event's level by one name: servers say `warn` and `warning`; others as they came."""
    level = event.level.lower()
    return _LEVELS.get(level, level)


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are wanted.

    Attributes:
        words: all of them stand in the message, in any case.
        levels: one of them is the event's; none where every level is wanted.
    """

    words: tuple[str, ...] = ()
    levels: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, text: str) -> EventFilter:
        """Read a filter as a person types it: `is:warn checkpoint`.

        Raises:
            ValueError: a level that no event can have.
        """
        parts = text.lower().split()
        asked = [part.removeprefix("is:") for part in parts if part.startswith("is:")]
        for level in asked:
            if level and level not in _LEVELS:
                raise ValueError(f"There is no level {level}; say is:info, is:warn or is:error.")
        words = tuple(part for part in parts if not part.startswith("is:"))
        return cls(words, frozenset(_LEVELS[level] for level in asked if level))

    def __bool__(self) -> bool:
        return bool(self.words or self.levels)

    def wants(self, event: JobEvent) -> bool:
        """Whether an event is one of those that are wanted."""
        if self.levels and level_of(event) not in self.levels:
            return False
        message = event.message.lower()
        return all(word in message for word in self.words)
