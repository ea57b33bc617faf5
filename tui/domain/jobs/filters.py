"""Typed filters: for the jobs in the list, and for a job's events."""

from __future__ import annotations

from dataclasses import dataclass

from tui.domain.jobs.status import status_text
from tui.domain.jobs.view import JobEvent, JobView

_GROUPS = {"ended": True, "going": False}
"""Names of groups of states, and whether those states are terminal."""

_LEVELS = {"info": "info", "warn": "warn", "warning": "warn", "error": "error"}


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Conditions on a job, all of which must hold. An empty filter matches every job.

    Attributes:
        words: each occurs in the name, id, model or provider, ignoring case.
        states: prefixes of states, or `ended` and `going`; the job has one of them. Servers may
            define states of their own, so any word is allowed.
        providers: prefixes of provider names; the job is at one of them.
    """

    words: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> JobFilter:
        """Parse a filter such as `tickets is:running,queued provider:lab`.

        A condition that is still being typed (`is:`) matches every job.
        """
        words: list[str] = []
        conditions: dict[str, list[str]] = {"is": [], "provider": []}
        for part in text.casefold().split():
            key, colon, values = part.partition(":")
            if colon and key in conditions:
                conditions[key] += filter(None, values.split(","))
            else:
                words.append(part)
        return cls(tuple(words), tuple(conditions["is"]), tuple(conditions["provider"]))

    def __bool__(self) -> bool:
        """Whether there is any condition."""
        return bool(self.words or self.states or self.providers)

    def matches(self, view: JobView) -> bool:
        """Whether a job meets all conditions."""
        provider = view.provider.casefold()
        if self.providers and not provider.startswith(self.providers):
            return False
        if self.states and not any(_has_state(view, state) for state in self.states):
            return False
        fields = (view.suffix, view.id, view.model, view.fine_tuned_model, provider)
        text = "\n".join(field.casefold() for field in fields if field)
        return all(word in text for word in self.words)


def _has_state(view: JobView, state: str) -> bool:
    if (terminal := _GROUPS.get(state)) is not None:
        return view.terminal is terminal
    status = view.status.casefold()
    return status.startswith(state) or status_text(status).replace(" ", "-").startswith(state)


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Conditions on an event. An empty filter matches every event.

    Attributes:
        words: all of them occur in the message, ignoring case.
        levels: one of them is the event's level; empty for any level.
    """

    words: tuple[str, ...] = ()
    levels: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, text: str) -> EventFilter:
        """Parse a filter such as `is:warn checkpoint`; `is:w` is enough.

        Raises:
            ValueError: no event has such a level.
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

    def matches(self, event: JobEvent) -> bool:
        """Whether an event meets all conditions."""
        if self.levels and level_of(event) not in self.levels:
            return False
        message = event.message.lower()
        return all(word in message for word in self.words)


def level_of(event: JobEvent) -> str:
    """An event's level; `warning` is `warn`, unknown levels are unchanged."""
    level = event.level.lower()
    return _LEVELS.get(level, level)


def _levels(prefix: str) -> set[str]:
    """The levels that start with a prefix.

    Raises:
        ValueError: there is none.
    """
    levels = {level for name, level in _LEVELS.items() if name.startswith(prefix)}
    if not levels:
        raise ValueError(f"There is no level {prefix}. Use is:info, is:warn or is:error.")
    return levels
