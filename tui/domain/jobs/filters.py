"""Which jobs of the list a person wants to see: what is typed after `/`."""

from __future__ import annotations

from dataclasses import dataclass

from tui.domain.jobs.status import status_word
from tui.domain.jobs.view import JobView

_GROUPS = {"ended": True, "going": False}
"""Words for several states at once, and whether those are the ends."""


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Conditions on a job; all of them must hold. An empty one holds for every job.

    Attributes:
        words: each stands in the name, id, model or provider, in any case of its letters.
        states: beginnings of states, or `ended` and `going`; the job stands in one of them. A
            server may have states of its own, so any word can be one.
        providers: beginnings of providers' names; the job is at one of them.
    """

    words: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()

    @classmethod
    def parse(cls, typed: str) -> JobFilter:
        """Read what a person typed: `tickets is:running,queued provider:lab`.

        A condition that is still being typed (`is:`) holds for every job.
        """
        words: list[str] = []
        named: dict[str, list[str]] = {"is": [], "provider": []}
        for part in typed.casefold().split():
            key, colon, values = part.partition(":")
            if colon and key in named:
                named[key] += filter(None, values.split(","))
            else:
                words.append(part)
        return cls(tuple(words), tuple(named["is"]), tuple(named["provider"]))

    def __bool__(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.words or self.states or self.providers)

    def wants(self, view: JobView) -> bool:
        """Whether a job is one of those that are wanted."""
        provider = view.provider.casefold()
        if self.providers and not provider.startswith(self.providers):
            return False
        if self.states and not any(_stands(view, state) for state in self.states):
            return False
        texts = (view.suffix, view.id, view.model, view.fine_tuned_model, provider)
        said = "\n".join(text.casefold() for text in texts if text)
        return all(word in said for word in self.words)


def _stands(view: JobView, state: str) -> bool:
    if (end := _GROUPS.get(state)) is not None:
        return view.terminal is end
    status = view.status.casefold()
    return status.startswith(state) or status_word(status).replace(" ", "-").startswith(state)
