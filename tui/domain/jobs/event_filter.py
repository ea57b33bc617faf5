"""A filter for a job's events: words, and `is:` with a level."""

from __future__ import annotations

from dataclasses import dataclass

from tui.domain.jobs.view import JobEvent

_LEVELS = {"info": "info", "warn": "warn", "warning": "warn", "error": "error"}


def level_of(event: JobEvent) -> str:
    """An event's level by one name: servers say `warn` and `warning`; others as they came."""
    level = event.level.lower()
    return _LEVELS.get(level, level)


def _levels(name: str) -> set[str]:
    """The levels that a name, or the beginning of one, stands for."""
    found = {level for known, level in _LEVELS.items() if known.startswith(name)}
    if not found:
        raise ValueError(f"There is no level {name}; say is:info, is:warn or is:error.")
    return found


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
        """Read a filter as a person types it: `is:warn checkpoint`; `is:w` is enough.

        Raises:
            ValueError: a level that no event can have.
        """
        words, levels = [], set()
        for part in text.lower().split():
            if not part.startswith("is:"):
                words.append(part)
            elif part != "is:":
                levels |= _levels(part.removeprefix("is:"))
        return cls(tuple(words), frozenset(levels))

    def __bool__(self) -> bool:
        return bool(self.words or self.levels)

    def wants(self, event: JobEvent) -> bool:
        """Whether an event is one of those that are wanted."""
        if self.levels and level_of(event) not in self.levels:
            return False
        message = event.message.lower()
        return all(word in message for word in self.words)
