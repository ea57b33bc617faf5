"""Messages from the workers of the Jobs screen to it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from textual.message import Message

from tui.domain.jobs.view import JobView
from tui.domain.submission.job_request import JobRequest
from tui.screens.jobs.board import Key, Verb
from tui.services.errors import FtuiError
from tui.services.watching.watch import Connection


@dataclass
class JobsListed(Message):
    """The list of jobs: as recorded, or (`from_servers`) of the servers that answered so far."""

    views: Sequence[JobView]
    errors: Mapping[str, FtuiError]
    missing: Sequence[str]
    from_servers: bool
    answered: Collection[str] = ()


@dataclass
class JobUpdated(Message):
    """The state of a followed job."""

    key: Key
    view: JobView
    connection: Connection


@dataclass
class JobLost(Message):
    """A job cannot be followed any more."""

    key: Key
    error: FtuiError


@dataclass
class JobUnderway(Message):
    """The progress of a job that is being created; `key` identifies it."""

    key: str
    text: str


@dataclass
class JobSubmitted(Message):
    """A new job was created."""

    key: str
    view: JobView


@dataclass
class JobRecovered(Message):
    """A job was created just before ftui was closed."""

    view: JobView


@dataclass
class JobRefused(Message):
    """A new job could not be created."""

    key: str
    request: JobRequest
    error: FtuiError


@dataclass
class JobSteered(Message):
    """A job was cancelled, paused, resumed or stopped, or the attempt failed."""

    key: Key
    verb: Verb
    view: JobView | None
    error: FtuiError | None = None


@dataclass
class RequestLoaded(Message):
    """The request of a job that is to be run again, or why there is none."""

    request: JobRequest | None
    error: FtuiError | None = None
