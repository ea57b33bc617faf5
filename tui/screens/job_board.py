"""What the screen Jobs knows: the jobs, which are followed, and how the contact stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tui.domain.run_words import contact_words, row_cells, shown_time
from tui.domain.runs import JobView
from tui.domain.text import plural
from tui.services.engine_process import INSTALL
from tui.services.errors import FtuiError
from tui.services.job_watch import Contact
from tui.widgets.line_table import Cell

Key = tuple[str, str]
"""Provider and id: what makes a job one."""


@dataclass
class JobBoard:
    """State of the screen, without any widget.

    Attributes:
        views: every job by its key.
        order: the keys, latest job first.
        contacts: how the contact with each followed job's server stands.
        news_at: when something new was last seen of a job.
        lost: jobs that cannot be followed, and why.
        followed: jobs that are followed now.
        troubles: by provider, why its list could not be had.
        missing: packages that the local engine lacks.
        asked_at: when the servers were last asked for their lists; None before that.
    """

    views: dict[Key, JobView] = field(default_factory=dict)
    order: list[Key] = field(default_factory=list)
    contacts: dict[Key, Contact] = field(default_factory=dict)
    news_at: dict[Key, float] = field(default_factory=dict)
    lost: dict[Key, FtuiError] = field(default_factory=dict)
    followed: set[Key] = field(default_factory=set)
    troubles: Mapping[str, FtuiError] = field(default_factory=dict)
    missing: Sequence[str] = ()
    asked_at: float | None = None

    def listed(self, views: Sequence[JobView]) -> None:
        """Take a list in; a followed job is known better than any list tells it."""
        for view in views:
            key = view.provider, view.id
            if key not in self.followed:
                self.views[key] = view
        self._sort()

    def seen(self, key: Key, view: JobView, contact: Contact, now: float) -> None:
        """Take one look at a followed job in."""
        known = key in self.views
        if view is not self.views.get(key):
            self.news_at[key] = contact.updated_at or now
        self.views[key] = view
        self.contacts[key] = contact
        if view.terminal:
            self.followed.discard(key)
        if not known:
            self._sort()

    def steered(self, view: JobView) -> None:
        """Take in how a job stands after it was steered; its next look brings the rest."""
        self.views[view.provider, view.id] = view

    def lose(self, key: Key, error: FtuiError) -> None:
        """Note that a job cannot be followed."""
        self.followed.discard(key)
        self.lost[key] = error

    def to_follow(self) -> list[Key]:
        """Jobs that have not ended and are not followed yet."""
        return [
            key
            for key in self.order
            if not (self.views[key].terminal or key in self.followed or key in self.lost)
        ]

    def in_order(self) -> list[JobView]:
        """The jobs, latest first."""
        return [self.views[key] for key in self.order]

    def cells(self, row: int, now: float) -> Sequence[Cell]:
        """The cells of a row of the list."""
        key = self.order[row]
        return row_cells(self.views[key], self.shown_time(key, now))

    def shown_time(self, key: Key, now: float) -> float:
        """The moment for which a job's figures are shown; it moves on with its news."""
        return shown_time(self.news_at.get(key), now)

    def headline(self) -> str:
        """The sentence above the list."""
        if not self.order:
            return "Nothing trained yet." if self.asked_at else "Looking for jobs …"
        going = sum(not view.terminal for view in self.views.values())
        said = plural(len(self.order), "job") + (f", {going} not ended" if going else ", all ended")
        for provider, trouble in self.troubles.items():
            said += f" · {provider}: {trouble.message} r asks again"
        return said

    def empty_words(self) -> str:
        """What an empty list says: what this is, the key to begin, what is missing."""
        said = (
            "No jobs yet.\n\nFine-tuning trains a model on your examples. Press n for a new job, "
            "or t on the Data screen (2) to train on the file that is open there.\n\n"
        )
        if self.missing:
            return said + (
                f"This machine cannot train yet ({', '.join(self.missing)} missing). "
                f"Install the extra:\n\n    {INSTALL}\n\nOther providers work without it."
            )
        troubles = "\n".join(str(trouble) for trouble in self.troubles.values())
        return said + (f"{troubles}\n\nr asks again." if troubles else "")

    def contact_words(self, key: Key, now: float) -> tuple[str, bool]:
        """How fresh a job's figures are, and whether there is trouble."""
        if key in self.lost:
            return "not followed (r asks again)", True
        contact = self.contacts.get(key, Contact())
        view = self.views[key]
        if view.terminal:
            return "all of it recorded", False
        words = contact_words(
            now,
            updated_at=contact.updated_at,
            offline_since=contact.offline_since,
            next_try_at=contact.next_try_at,
        )
        return words, contact.trouble is not None

    def trouble_of(self, key: Key) -> FtuiError | None:
        """Why a job's server does not answer, or why the job is not followed."""
        contact = self.contacts.get(key)
        return self.lost.get(key) or (contact.trouble if contact else None)

    def _sort(self) -> None:
        def born(key: Key) -> float:
            view = self.views[key]
            return view.created_at or view.updated_at or 0.0

        self.order = sorted(self.views, key=born, reverse=True)
