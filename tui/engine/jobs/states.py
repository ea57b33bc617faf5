"""The states of a job and the allowed transitions."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """OpenAI's states of a job, and `paused`, which its servers send although the types omit it."""

    VALIDATING = "validating_files"
    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def terminal(self) -> bool:
        """Whether the state is final."""
        return not TRANSITIONS[self]


TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.VALIDATING: frozenset({Status.QUEUED, Status.FAILED, Status.CANCELLED}),
    Status.QUEUED: frozenset({Status.RUNNING, Status.PAUSED, Status.FAILED, Status.CANCELLED}),
    Status.RUNNING: frozenset(
        {Status.SUCCEEDED, Status.FAILED, Status.CANCELLED, Status.PAUSED, Status.QUEUED}
    ),
    Status.PAUSED: frozenset({Status.QUEUED, Status.CANCELLED}),
    Status.SUCCEEDED: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELLED: frozenset(),
}
"""The states that may follow each state."""

OPEN_STATUSES = tuple(status for status in Status if TRANSITIONS[status])
"""The states of jobs that have not ended."""


class InvalidTransition(Exception):
    """A job cannot change to the requested state."""


def check_transition(old: Status, new: Status) -> None:
    """Check that a transition is allowed.

    Raises:
        InvalidTransition: it is not.
    """
    if new not in TRANSITIONS[old]:
        raise InvalidTransition(f"A job that is {old} cannot become {new}.")
