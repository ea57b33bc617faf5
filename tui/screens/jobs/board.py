"""The state of the Jobs screen: the jobs, which are followed, the connections to their servers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tui.domain.jobs.descriptions import describe_connection, shown_time
from tui.domain.jobs.list_rows import row_cells
from tui.domain.jobs.notifications import JobNotification, end_notification, stall_notification
from tui.domain.jobs.view import JobView
from tui.domain.text import number, plural, preview
from tui.services.errors import INSTALL_LOCAL, EngineUnavailable, FtuiError, ProviderTrouble
from tui.services.jobs.jobs import Steering
from tui.services.watching.watch import Connection
from tui.widgets.line_table import Cell

LIST_SECONDS = 30.0
"""Seconds between two requests for the lists of jobs."""

_ROW_SECONDS = 60
"""A row without news is updated once a minute, to save bytes on a slow link."""

Key = tuple[str, str]
"""Provider and id, which identify a job."""

Verb = Steering | Literal["stop"]
"""What can be done to a running job; `stop` keeps a new checkpoint."""


@dataclass
class JobBoard:
    """The state of the screen, without widgets.

    Attributes:
        views: every job by its key.
        order: the keys, latest job first.
        connections: the connection with the server of each followed job.
        news_at: when something new last came in for a job.
        lost: jobs that cannot be followed, and why.
        followed: jobs that are being followed.
        list_errors: by provider, why its list could not be fetched.
        offline_since: by provider, when that began.
        pause_refusals: by provider, why it cannot pause a job, once that is known.
        missing: packages that the local engine lacks.
        notices: of jobs that ended, until they are taken.
        listed_at: when the servers were last asked for their lists; None before that.
    """

    views: dict[Key, JobView] = field(default_factory=dict)
    order: list[Key] = field(default_factory=list)
    connections: dict[Key, Connection] = field(default_factory=dict)
    news_at: dict[Key, float] = field(default_factory=dict)
    lost: dict[Key, FtuiError] = field(default_factory=dict)
    followed: set[Key] = field(default_factory=set)
    list_errors: dict[str, FtuiError] = field(default_factory=dict)
    offline_since: dict[str, float] = field(default_factory=dict)
    pause_refusals: dict[str, str] = field(default_factory=dict)
    missing: Sequence[str] = ()
    notices: list[JobNotification] = field(default_factory=list)
    listed_at: float | None = None

    def update_list(self, views: Sequence[JobView]) -> None:
        """Add a list of jobs; followed jobs are left alone, as their state is more recent."""
        for view in views:
            key = view.provider, view.id
            if key not in self.followed:
                self.update_view(view)
        self._sort()

    def update_outages(
        self, providers: Collection[str], errors: Mapping[str, FtuiError], now: float
    ) -> None:
        """Note which servers listed their jobs, and why others did not."""
        self.listed_at = now
        for provider in providers:
            self.list_errors.pop(provider, None)
            self.offline_since.pop(provider, None)
        for provider, error in errors.items():
            self.list_errors[provider] = error
            self.offline_since.setdefault(provider, now)

    def update_job(self, key: Key, view: JobView, connection: Connection, now: float) -> None:
        """Update a followed job."""
        is_new = key not in self.views
        if view is not self.views.get(key):
            self.news_at[key] = connection.updated_at or now
        self.update_view(view)
        self.connections[key] = connection
        if view.terminal:
            self.followed.discard(key)
        if is_new:
            self._sort()

    def update_view(self, view: JobView) -> None:
        """Update the state of a job, and note where it ended."""
        key = view.provider, view.id
        notice = end_notification(self.views.get(key), view)
        if notice:
            self.notices.append(notice)
        self.views[key] = view

    def take_notices(self, now: float) -> list[JobNotification]:
        """Notices of jobs that ended since the last call, and of those that stall.

        A job stalls only if its server has answered since the start: a record may be a day old.

        Args:
            now: Unix seconds.
        """
        notices, self.notices = self.notices, []
        for key in self.followed:
            connection = self.connections.get(key)
            if connection and connection.updated_at is not None and not connection.error:
                notices += filter(
                    None, [stall_notification(self.views[key], self.answered_at(key))]
                )
        return notices

    def answered_at(self, key: Key) -> float:
        """When a job's server last answered; 0 where it has not yet.

        Health is judged as of then: a job does not stall because this machine slept or is offline.
        """
        connection = self.connections.get(key)
        return (connection.updated_at if connection else None) or 0.0

    def mark_lost(self, key: Key, error: FtuiError) -> None:
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
        shown_at = shown_time(self.news_at.get(key), now, _ROW_SECONDS)
        return row_cells(self.views[key], shown_at, ascii_only=ascii_only)

    def shown_time(self, key: Key, now: float) -> float:
        """The time for which a job's figures are shown; it advances when something new comes in."""
        return shown_time(self.news_at.get(key), now)

    def headline(self, now: float, matches: int | None = None) -> str:
        """The headline of the list: how many jobs, and which servers do not answer.

        Args:
            now: Unix seconds.
            matches: how many jobs match the filter; None without a filter.
        """
        if not self.order:
            text = "No jobs yet." if self.listed_at else "Loading jobs …"
        else:
            active = sum(not view.terminal for view in self.views.values())
            text = plural(len(self.order), "job")
            text += f", {active} active" if active else ", none active"
            if matches is not None:
                text = f"{number(matches)} of {text}"
        return " · ".join([text, *self._outages(now)])

    def _outages(self, now: float) -> list[str]:
        """For each server that does not answer: since when, when it is retried, and why."""
        is_only = len(self.list_errors) == 1
        outages = []
        for provider, error in self.list_errors.items():
            name = preview(provider, 40)
            if isinstance(error, ProviderTrouble | EngineUnavailable):
                connection = describe_connection(
                    now,
                    updated_at=None,
                    offline_since=self.offline_since[provider],
                    next_retry_at=(self.listed_at or now) + LIST_SECONDS,
                )
                outages.append(f"{name} {connection}" + (f": {error.message}" if is_only else ""))
            else:
                outages.append(f"{name}: {error.message} Press r to retry.")
        return outages

    def empty_text(self) -> str:
        """The text of an empty list: what this is, how to start, what is missing."""
        text = (
            "No jobs yet.\n\nFine-tuning trains a model on your examples. Press n for a new job, "
            "or t on the Data screen (2) to train on the file that is open there.\n\n"
        )
        if self.missing:
            return text + (
                f"This machine cannot train yet ({', '.join(self.missing)} missing). "
                f"Install the extra:\n\n    {INSTALL_LOCAL}\n\nOther providers work without it."
            )
        errors = "\n".join(str(error) for error in self.list_errors.values())
        return text + (f"{errors}\n\nPress r to retry." if errors else "")

    def connection_label(self, key: Key, now: float) -> tuple[str, bool]:
        """How fresh a job's figures are, and whether there is trouble."""
        if key in self.lost:
            return "not followed (r: retry)", True
        connection = self.connections.get(key, Connection())
        view = self.views[key]
        if view.terminal:
            return "complete", False
        label = describe_connection(
            now,
            updated_at=connection.updated_at,
            offline_since=connection.offline_since,
            next_retry_at=connection.next_retry_at,
        )
        return label, connection.error is not None

    def error_of(self, key: Key) -> FtuiError | None:
        """Why a job's server does not answer, or why the job is not followed."""
        connection = self.connections.get(key)
        return self.lost.get(key) or (connection.error if connection else None)

    def _sort(self) -> None:
        def created_at(key: Key) -> float:
            view = self.views[key]
            return view.created_at or view.updated_at or 0.0

        self.order = sorted(self.views, key=created_at, reverse=True)
