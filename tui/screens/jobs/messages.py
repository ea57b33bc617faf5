"""What the workers of the screen Jobs tell it."""

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
    """The list of jobs: as recorded, or (`asked`) as the servers tell it that answered so far."""

    views: Sequence[JobView]
    troubles: Mapping[str, FtuiError]
    missing: Sequence[str]
    asked: bool
    answered: Collection[str] = ()


@dataclass
class JobSeen(Message):
    """One look at a followed job."""

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
    """How far a new job is on its way; `key` tells the new jobs apart."""

    key: str
    words: str


@dataclass
class JobSubmitted(Message):
    """A new job was created."""

    key: str
    view: JobView


@dataclass
class JobFound(Message):
    """A job was created while ftui was being ended."""

    view: JobView


@dataclass
class JobRefused(Message):
    """A new job could not be created."""

    key: str
    request: JobRequest
    error: FtuiError


@dataclass
class JobSteered(Message):
    """A job was cancelled, paused, resumed or stopped; or could not be."""

    key: Key
    verb: Verb
    view: JobView | None
    error: FtuiError | None = None


@dataclass
class JobOffered(Message):
    """A job is offered to be started again with changes; or cannot be."""

    request: JobRequest | None
    error: FtuiError | None = None
