"""What the screen Jobs knows: the jobs, which are followed, and how the connection stands."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tui.domain.jobs.descriptions import describe_connection, shown_time
from tui.domain.jobs.list_rows import row_cells
from tui.domain.jobs.notifications import JobNotification, end_notification, stall_notification
from tui.domain.jobs.view import JobView
from tui.domain.text import number, plural, preview
from tui.services.errors import EngineUnavailable, FtuiError, ProviderTrouble
from tui.services.jobs.jobs import Steering
from tui.services.providers.engine_process import INSTALL
from tui.services.watching.watch import Connection
from tui.widgets.line_table import Cell

LIST_SECONDS = 30.0
"""Seconds between two questions for the lists of jobs."""

_ROW_QUIET = 60
"""Seconds after which the figures of a row without news move on: a slow link carries each row."""

Key = tuple[str, str]
"""Provider and id: what makes a job one."""

Verb = Steering | Literal["stop"]
"""What can be done with a job that has not ended; `stop` keeps a new checkpoint."""


@dataclass
class JobBoard:
    """State of the screen, without any widget.

    Attributes:
        views: every job by its key.
        order: the keys, latest job first.
        connections: how the connection with each followed job's server stands.
        news_at: when something new was last seen of a job.
        lost: jobs that cannot be followed, and why.
        followed: jobs that are followed now.
        troubles: by provider, why its list could not be had.
        offline_since: by provider, when that began.
        cannot: by provider, why a job there cannot be paused, once that is known.
        missing: packages that the local engine lacks.
        notices: of jobs that ended, until they are taken.
        asked_at: when the servers were last asked for their lists; None before that.
    """

    views: dict[Key, JobView] = field(default_factory=dict)
    order: list[Key] = field(default_factory=list)
    connections: dict[Key, Connection] = field(default_factory=dict)
    news_at: dict[Key, float] = field(default_factory=dict)
    lost: dict[Key, FtuiError] = field(default_factory=dict)
    followed: set[Key] = field(default_factory=set)
    troubles: dict[str, FtuiError] = field(default_factory=dict)
    offline_since: dict[str, float] = field(default_factory=dict)
    cannot: dict[str, str] = field(default_factory=dict)
    missing: Sequence[str] = ()
    notices: list[JobNotification] = field(default_factory=list)
    asked_at: float | None = None

    def listed(self, views: Sequence[JobView]) -> None:
        """Take a list in; a followed job is known better than any list tells it."""
        for view in views:
            key = view.provider, view.id
            if key not in self.followed:
                self._put(view)
        self._sort()

    def answered(
        self, providers: Collection[str], troubles: Mapping[str, FtuiError], now: float
    ) -> None:
        """Take in which servers told their jobs, and why others did not."""
        self.asked_at = now
        for provider in providers:
            self.troubles.pop(provider, None)
            self.offline_since.pop(provider, None)
        for provider, trouble in troubles.items():
            self.troubles[provider] = trouble
            self.offline_since.setdefault(provider, now)

    def seen(self, key: Key, view: JobView, connection: Connection, now: float) -> None:
        """Take one look at a followed job in."""
        known = key in self.views
        if view is not self.views.get(key):
            self.news_at[key] = connection.updated_at or now
        self._put(view)
        self.connections[key] = connection
        if view.terminal:
            self.followed.discard(key)
        if not known:
            self._sort()

    def steered(self, view: JobView) -> None:
        """Take in how a job stands after it was steered; its next look brings the rest."""
        self._put(view)

    def take_notices(self, now: float) -> list[JobNotification]:
        """What is to be told: jobs that ended since the last time, and those that stall.

        A job stalls only by what its server told in this sitting: a record may be a day old.

        Args:
            now: Unix seconds.
        """
        told, self.notices = self.notices, []
        for key in self.followed:
            connection = self.connections.get(key)
            if connection and connection.updated_at is not None and not connection.error:
                told += filter(None, [stall_notification(self.views[key], self.answered_at(key))])
        return told

    def answered_at(self, key: Key) -> float:
        """When a job's server last answered, as which its health is told; 0 where it has not yet.

        What happened since is not known: after a sleep or offline no job stands still.
        """
        connection = self.connections.get(key)
        return (connection.updated_at if connection else None) or 0.0

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

    def cells(self, key: Key, now: float, *, ascii_only: bool) -> Sequence[Cell]:
        """The cells of a job's row in the list."""
        at = shown_time(self.news_at.get(key), now, _ROW_QUIET)
        return row_cells(self.views[key], at, ascii_only=ascii_only)

    def shown_time(self, key: Key, now: float) -> float:
        """The moment for which a job's figures are shown; it moves on with its news."""
        return shown_time(self.news_at.get(key), now)

    def headline(self, now: float, shown: int | None = None) -> str:
        """The sentence above the list: how many jobs, and which servers do not answer.

        Args:
            now: Unix seconds.
            shown: how many jobs a filter shows; None where all are shown.
        """
        if not self.order:
            said = "Nothing trained yet." if self.asked_at else "Looking for jobs …"
        else:
            going = sum(not view.terminal for view in self.views.values())
            said = plural(len(self.order), "job")
            said += f", {going} not ended" if going else ", all ended"
            if shown is not None:
                said = f"{number(shown)} of {said}"
        return " · ".join([said, *self._outages(now)])

    def _outages(self, now: float) -> list[str]:
        """For each server that does not answer since when, when it is asked again, and why."""
        alone = len(self.troubles) == 1
        found = []
        for provider, trouble in self.troubles.items():
            name = preview(provider, 40)
            if isinstance(trouble, ProviderTrouble | EngineUnavailable):
                words = describe_connection(
                    now,
                    updated_at=None,
                    offline_since=self.offline_since[provider],
                    next_retry_at=(self.asked_at or now) + LIST_SECONDS,
                )
                found.append(f"{name} {words}" + (f": {trouble.message}" if alone else ""))
            else:
                found.append(f"{name}: {trouble.message} r asks again.")
        return found

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

    def describe_connection(self, key: Key, now: float) -> tuple[str, bool]:
        """How fresh a job's figures are, and whether there is trouble."""
        if key in self.lost:
            return "not followed (r asks again)", True
        connection = self.connections.get(key, Connection())
        view = self.views[key]
        if view.terminal:
            return "all of it recorded", False
        words = describe_connection(
            now,
            updated_at=connection.updated_at,
            offline_since=connection.offline_since,
            next_retry_at=connection.next_retry_at,
        )
        return words, connection.error is not None

    def trouble_of(self, key: Key) -> FtuiError | None:
        """Why a job's server does not answer, or why the job is not followed."""
        connection = self.connections.get(key)
        return self.lost.get(key) or (connection.error if connection else None)

    def _put(self, view: JobView) -> None:
        key = view.provider, view.id
        notice = end_notification(self.views.get(key), view)
        if notice:
            self.notices.append(notice)
        self.views[key] = view

    def _sort(self) -> None:
        def born(key: Key) -> float:
            view = self.views[key]
            return view.created_at or view.updated_at or 0.0

        self.order = sorted(self.views, key=born, reverse=True)
